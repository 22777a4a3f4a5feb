// Ends copies (staging databases) whose job has failed, was cancelled or no longer exists: drops their databases, no
// longer counts them against the limit of copies, and notifies the server that ordered them. No other code sets the
// state `failed` of an ordered copy.
import * as audit from '../audit/audit.ts';
import { sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import { callBack } from './call-back.ts';
import * as copies from './copies.ts';
import type { Copy } from './copies.ts';
import { dropDatabases } from './databases.ts';
import { finishDrops } from './drop.ts';
import { oneByOne } from './one-by-one.ts';

/**
 * Ends the staging databases whose job has failed, was cancelled or no longer exists, and finishes interrupted drops of
 * staging databases.
 */
export async function followJobs(here: App): Promise<void> {
  if (here.settings.copies === null) return;
  await oneByOne(here, await copies.abandoned(here.sql), async (copy) => {
    const problem = await reasonFor(here, copy);
    if (copy.state === 'updating') {
      await copies.change(here.sql, copy, ['updating'], backTo(problem));
    } else await endFailed(here, copy, problem);
  });
  await finishDrops(here);
}

const backTo = (problem: string) => sql`state = 'ready', job = null, problem = ${problem}`;

async function reasonFor(here: App, copy: Copy): Promise<string> {
  const job = copy.job === null ? undefined : await jobs.byId(here.sql, copy.job);
  if (!job) return 'Its job is gone. Run it again.';
  if (job.state === 'cancelled') return `Cancelled by ${job.cancelled_by}.`;
  return job.problem ?? 'Its job ended without making it. Run it again.';
}

async function endFailed(here: App, copy: Copy, problem: string) {
  if (copy.is_creating === 1) await dropDatabases(here, copy);
  await transaction(here.sql, async (on) => {
    const isEnded = await copies.change(
      on,
      copy,
      ['building'],
      sql`state = 'failed', ended_at = utc_timestamp(3), problem = ${problem}`,
    );
    if (!isEnded) return;
    // The failed staging database should have replaced an older one of the same name. The older one keeps its name if
    // it still exists.
    await copies.keepName(on, copy.id);
    await callBack(here, on, { ...copy, state: 'failed', problem });
    const line = { person: copy.person, action: 'failed to make a copy', subject: copy.name };
    await audit.write(on, { ...line, detail: problem });
  });
}
