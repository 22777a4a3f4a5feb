// Runs a job in the process of a command, instead of waiting for a worker of the server.
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import { runJob } from '../jobs/runner.ts';
import { Problem } from '../problems.ts';
import { tasks } from '../tasks.ts';
import { count } from '../web/format.ts';
import { print } from './cli.ts';

type Requested = { job: Job; isNew: boolean };
type How = {
  /**
   * The message when another job of the same kind is active, such as `A refresh is already
   * running`.
   */
  running: string;
  isQuiet: boolean;
  /** Formats the counts in the progress messages, for example as bytes; plain numbers by default. */
  inUnits?: (number: number) => string;
};

/**
 * How many milliseconds to wait before checking again a job that a worker of the server has taken.
 */
const PAUSE_MS = 300;

/**
 * Runs a job that was just requested, prints its progress, and returns its report.
 * @throws Problem when another job of the same kind is active, or when the job fails
 */
export async function runHere<T>(
  here: App,
  { job, isNew }: Requested,
  { running, isQuiet, inUnits = count }: How,
): Promise<T> {
  if (!isNew) throw new Problem(409, `${running}: job ${job.number}.`);
  process.once('SIGINT', () => here.halt.abort());
  const attempt = () =>
    runJob(here, tasks, job.id, ({ doing, done, total }) => {
      if (!isQuiet) print(`${doing}: ${inUnits(done)} of ${inUnits(total)}`);
    });
  let ended = await attempt();
  // A worker of the server may have taken the job first. If that worker dies, this process takes
  // over the job.
  while (ended?.state === 'running' && !here.halt.signal.aborted) {
    await sleep(PAUSE_MS);
    ended = await attempt();
  }
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
