// Runs a job in this process, for a command at a terminal.
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import { runJob } from '../jobs/runner.ts';
import { Problem } from '../problems.ts';
import { tasks } from '../tasks.ts';
import { count } from '../web/format.ts';
import { print } from './cli.ts';

type Requested = { job: Job; isNew: boolean };

/**
 * Runs a job that was just requested, prints its progress, and returns its report. `running`: the message when
 * another job of its kind is active, such as `A refresh is already running`.
 * @throws Problem when one is active, or the job fails
 */
export async function runHere<T>(
  here: App,
  { job, isNew }: Requested,
  { running, isQuiet }: { running: string; isQuiet: boolean },
): Promise<T> {
  if (!isNew) throw new Problem(409, `${running}: job ${job.number}.`);
  process.once('SIGINT', () => here.halt.abort());
  const ended = await runJob(here, tasks, job.id, ({ doing, done, total }) => {
    if (!isQuiet) print(`${doing}: ${count(done)} of ${count(total)}`);
  });
  if (here.halt.signal.aborted && ended?.state !== 'done') {
    throw new Problem(
      503,
      `Job ${job.number} goes on in the background, on the server. “oneway jobs cancel ${job.number}” stops it.`,
    );
  }
  if (ended?.state !== 'done') {
    const { state, problem } = ended ?? { state: 'gone', problem: null };
    throw new Problem(503, `Job ${job.number} is ${state}: ${problem ?? 'see its page'}`);
  }
  return JSON.parse(ended.report ?? '') as T;
}
