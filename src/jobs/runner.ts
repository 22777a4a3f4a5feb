// Runs one job, for a worker of the queue or for a command in its own process.
import { Backoffs } from 'bullmq';
import type { App } from '../environments/app.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { explain } from '../version/compatibility.ts';
import { Closed, Problem } from '../problems.ts';
import * as attempt from './attempt.ts';
import { AwaitingChildren, Cancelled, Interrupted, Postponed, Stopping } from './interrupted.ts';
import * as jobs from './jobs.ts';
import { isPassing } from './passing.ts';
import { log } from './steps.ts';
import { cancellableKinds, type Task, type Tasks } from './task.ts';
import { openWork } from './work.ts';

/**
 * While a database is being migrated to another version, a waiting job checks after this many milliseconds whether the
 * migration has ended.
 */
const CLOSED_MS = 10_000;
/** A job that crashes its process every time fails after this many attempts. */
const MOST_ATTEMPTS = 200;

/**
 * Runs a job if it is due; returns its record afterwards. `onProgress` is called after each
 * progress report, `onRequest` for each job that the running job requested.
 */
export async function runJob(
  here: App,
  tasks: Tasks,
  id: string,
  onProgress: (progress: attempt.Progress) => void = () => {},
  onRequest: (job: jobs.Job) => void = () => {},
): Promise<jobs.Job | undefined> {
  const waiting = await jobs.byId(here.sql, id);
  const task = waiting && tasks[waiting.kind];
  // This program does not know the kind of the job, because a newer version of the program requested the job and will
  // run it.
  if (!task) return waiting;
  const reason = await whyClosed(here);
  if (reason !== null) {
    // The delay does not count as an attempt of the job, because migrating a database to another version may take
    // longer than all attempts that the job may have.
    await attempt.postpone(here.sql, id, reason, CLOSED_MS);
    return jobs.byId(here.sql, id);
  }
  const job = await attempt.begin(here.sql, id);
  if (job) await runAttempt(here, tasks, { job, task, onProgress, onRequest });
  return jobs.byId(here.sql, id);
}

type Attempt = {
  job: jobs.Job;
  task: Task;
  onProgress: (progress: attempt.Progress) => void;
  onRequest: (job: jobs.Job) => void;
};

async function runAttempt(here: App, tasks: Tasks, running: Attempt) {
  const { job, task, onProgress, onRequest } = running;
  const pulse = setInterval(() => {
    attempt.heartbeat(here.sql, job).catch(() => {
      // A failed heartbeat is ignored. If another worker takes over the job for lack of heartbeats,
      // this worker stops at its next progress report.
    });
  }, jobs.SILENCE_MS / 4);
  try {
    if (job.cancelled_by) throw new Cancelled(`Cancelled by ${job.cancelled_by}`);
    if (countedAttempts(job) > MOST_ATTEMPTS) {
      throw new Problem(500, `It was begun ${MOST_ATTEMPTS} times and never came to an end.`);
    }
    if (job.attempt > 1) await log(here.sql, job, `Attempt ${job.attempt} begins`);
    const result = await task.run(openWork(here, job, { onProgress, onRequest }));
    await attempt.finish(here.sql, job, result);
  } catch (error) {
    await endOrRetry(here, tasks, { job, task, error });
  } finally {
    clearInterval(pulse);
  }
}

const countedAttempts = (job: jobs.Job) => job.attempt - job.attempts_before;

async function endOrRetry(
  here: App,
  tasks: Tasks,
  { job, task, error }: { job: jobs.Job; task: Task; error: unknown },
): Promise<unknown> {
  const on = here.sql;
  const problem = reasonOf(error);
  if (error instanceof Cancelled) return attempt.endCancelled(on, job);
  if (error instanceof AwaitingChildren) return attempt.awaitChildren(on, job);
  if (error instanceof Stopping) return attempt.retryLater(on, job, problem, 0);
  if (error instanceof Postponed) return attempt.postponeNext(on, job, problem, error.delayMs);
  // The only remaining reason for an interruption is that another worker has taken over the job. That worker records
  // the outcome of the job.
  if (error instanceof Interrupted) return undefined;
  here.log.warn({ err: error, job: job.number, attempt: job.attempt }, 'job stopped');
  await log(on, job, problem);
  if (error instanceof Closed) return attempt.retryLater(on, job, problem, CLOSED_MS);
  if (isPassing(error) && countedAttempts(job) < task.attempts) {
    return attempt.retryLater(on, job, problem, backoffOf(task, countedAttempts(job)));
  }
  return attempt.fail(on, job, problem, cancellableKinds(tasks));
}

/**
 * The delay in milliseconds before the next attempt, computed by BullMQ. MySQL stores the time of
 * the next attempt, so that it holds even when Redis loses its data.
 */
export function backoffOf({ backoff }: Pick<Task, 'backoff'>, attempts: number): number {
  const { type, delay, jitter, longest } = {
    longest: 60_000,
    ...(backoff ?? { type: 'exponential', delay: 5000 }),
  };
  const strategy = Backoffs.builtinStrategies[type]?.(delay, jitter);
  return Math.min(Number(strategy?.(attempts)), longest);
}

/**
 * Refuses to start a job while program and database have different versions, or while the databases of this environment
 * are being migrated to another version.
 * @throws Closed; the job is then tried again later
 */
export async function refuseWhileClosed(here: App) {
  const standing = await here.compatibility();
  if (standing.kind !== 'open') throw new Closed(explain(standing));
}

/**
 * Returns a sentence that says why no job can start now, such as that a database of this environment, its destination
 * or production is being migrated to another version. Returns null when jobs can start.
 */
async function whyClosed(here: App): Promise<string | null> {
  try {
    await refuseWhileClosed(here);
    await refuseWhileUpdating(...[here.destination, here.source].filter((stop) => stop !== null));
    return null;
  } catch (error) {
    // A job starts even when a neighbouring environment does not answer; its task reports that
    // problem.
    return error instanceof Closed ? error.message : null;
  }
}
