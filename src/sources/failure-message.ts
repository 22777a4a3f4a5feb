// Notifies data managers when a run of a data source could not fetch or load files, because nobody watches the runs at
// night.
import { transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import { emailAbout, notifyHolders } from '../messages/messages.ts';
import type { RunReport } from './report.ts';
import type { Source } from './sources.ts';

/** How many failed files a message lists by name. */
const NAMED = 3;

export async function notifyOfFailures(
  here: App,
  { source, job }: { source: Source; job: Job },
  { failed, failures }: RunReport,
): Promise<void> {
  const named = failures.slice(0, NAMED).map(({ name, message }) => `${name}: ${message}`);
  const more = failed > named.length ? ` And ${failed - named.length} more.` : '';
  await transaction(here.sql, (connection) =>
    notifyHolders(connection, {
      event: 'source.files-failed',
      permission: 'data_manager',
      except: job.person,
      text: `${source.name}: ${failed} ${failed === 1 ? 'file' : 'files'} failed. ${named.join(' ')}${more}`,
      href: `/sources/${source.id}`,
      email: emailAbout(here, `Data files of ${source.name} failed`),
    }),
  );
}
