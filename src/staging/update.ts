// Updates the databases of a copy (staging database) that an older version of Oneway has made, so that this version can
// open the copy.
import { z } from 'zod';
import { sql, transaction } from '../database/sql.ts';
import { appOn, type App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Work } from '../jobs/task.ts';
import { upgrade } from '../release/upgrade.ts';
import { currentVersion } from '../version/db-version.ts';
import * as copies from './copies.ts';
import type { Copy } from './copies.ts';
import { withCopy } from './databases.ts';

export const UPDATE = 'copy-update';
export const updateInput = z.object({ copy: z.uuid() });

/**
 * Requests the job that updates a staging database to the version of this program.
 * @throws Conflict if the staging database is not in the state `ready`
 */
export const requestUpdate = (here: App, copy: Copy, person: string): Promise<jobs.Job> =>
  transaction(here.sql, async (on) => {
    const { job } = await jobs.request(on, {
      kind: UPDATE,
      name: `Bring ${copy.name} up to date`,
      person,
      input: { copy: copy.id },
    });
    const what = sql`state = 'updating', job = ${job.id}, problem = null`;
    await copies.changeOrRefuse(on, copy, ['ready'], what);
    return job;
  });

/**
 * Runs the job that updates a staging database. Does nothing if the staging database is not in the state `updating`.
 */
export async function updateCopy(
  { here, report }: Work,
  { copy: id }: z.infer<typeof updateInput>,
): Promise<{ name: string } | null> {
  const copy = await copies.byId(here.sql, id);
  if (!copy) return null;
  if (copy.state === 'updating') {
    await report({ done: 0, total: 0, doing: 'Migrating' });
    await withCopy(here, copy, (environment) =>
      upgrade({ here: appOn(here, environment), say: () => {} }),
    );
    const what = sql`state = 'ready', version = ${currentVersion()}, problem = null`;
    await copies.change(here.sql, copy, ['updating'], what);
  }
  return { name: copy.name };
}
