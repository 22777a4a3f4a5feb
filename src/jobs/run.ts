// Runs one job, whoever asks for it: a worker of the queue, or a command in its own process.
import type { z } from 'zod';
import { isTransient } from '../database/transient-errors.ts';
import type { App } from '../environments/app.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import { explain } from '../version/compatibility.ts';
import { Closed, Conflict, Problem, Unavailable } from '../problems.ts';
import * as jobs from './jobs.ts';

/** What a task knows of the job that it is run for. */
export type Work = {
  here: App;
  job: jobs.Job;
  /** Says how far it is. @throws Overtaken when it must stop */
  report: (progress: jobs.Progress) => Promise<void>;
};

export type Task = {
  label: string;
  /** How often it is tried when a server does not answer. */
  attempts: number;
  mayBeCancelled: boolean;
  run: (work: Work) => Promise<unknown>;
};
export type Tasks = Record<string, Task>;

/** A task with its input, parsed before it runs. */
export const task = <T extends z.ZodType>(
  input: T,
  {
    run,
    ...rest
  }: Omit<Task, 'run'> & { run: (work: Work, input: z.infer<T>) => Promise<unknown> },
): Task => ({ ...rest, run: (work) => run(work, input.parse(JSON.parse(work.job.input))) });

/**
 * A person stops a job; answers whether it was still to be stopped.
 * @throws Conflict for a kind that comes to its end or is put back
 */
export function cancel(here: App, tasks: Tasks, job: jobs.Job, person: string): Promise<boolean> {
  if (!tasks[job.kind]?.mayBeCancelled) {
    throw new Conflict('A job of this kind comes to its end or is put back; undo it afterwards.');
  }
  return jobs.cancel(here, job, person);
}

/** The process is to end: the job waits for another. */
class Stopping extends Error {}

/** A job that takes its process with it every time is not begun for ever. */
const BEGINNINGS = 200;

/** Runs a job, if it is there to be run; answers how it stands then. `hear` is told how far it is. */
export async function runJob(
  here: App,
  tasks: Tasks,
  id: string,
  hear: (progress: jobs.Progress) => void = () => {},
): Promise<jobs.Job | undefined> {
  const waiting = await jobs.byId(here.sql, id);
  const task = waiting && tasks[waiting.kind];
  // Of a kind that a newer program knows: left for that.
  if (!task) return waiting;
  const reason = await whyClosed(here);
  if (reason !== null) {
    // It is not begun: an update may take longer than a job has attempts.
    await jobs.postpone(here.sql, id, reason);
    return jobs.byId(here.sql, id);
  }
  const job = await jobs.begin(here.sql, id);
  if (!job) return jobs.byId(here.sql, id);
  const pulse = setInterval(() => {
    jobs.heartbeat(here.sql, job).catch(() => {
      // Silent for too long, it is taken over; and this worker stops at its next report.
    });
  }, jobs.SILENCE / 4);
  try {
    if (job.cancelled_by) throw new jobs.Cancelled('Cancelled while nobody worked on it');
    if (job.attempt > BEGINNINGS) throw new Problem(500, `It was begun ${BEGINNINGS} times.`);
    const result = await task.run({
      here,
      job,
      report: async (progress) => {
        await jobs.report(here.sql, job, progress);
        hear(progress);
        if (here.halt.signal.aborted)
          throw new Stopping('This process is stopping; another goes on');
      },
    });
    await jobs.finish(here.sql, job, result);
  } catch (error) {
    await giveUpOrTryAgain(here, job, task, error);
  } finally {
    clearInterval(pulse);
  }
  return jobs.byId(here.sql, id);
}

/** @throws Closed, after which it is tried again */
export async function refuseWhileClosed(here: App) {
  const standing = await here.compatibility();
  if (standing.kind !== 'open') throw new Closed(explain(standing));
}

/** Why nothing begins now: here, or next door. */
async function whyClosed(here: App): Promise<string | null> {
  try {
    await refuseWhileClosed(here);
    await refuseWhileUpdating(...[here.destination, here.source].filter((stop) => stop !== null));
    return null;
  } catch (error) {
    // A neighbour that does not answer is for the task to tell.
    return error instanceof Closed ? error.message : null;
  }
}

async function giveUpOrTryAgain(
  here: App,
  job: jobs.Job,
  task: Task,
  error: unknown,
): Promise<unknown> {
  const problem = error instanceof Error ? error.message : String(error);
  const isPassingBy = error instanceof Unavailable || isTransient(error);
  const isWaiting = error instanceof Stopping || error instanceof Closed;
  if (error instanceof jobs.Cancelled) return jobs.endCancelled(here.sql, job);
  if (!(error instanceof jobs.Overtaken || error instanceof Stopping)) {
    here.log.warn({ err: error, job: job.number, attempt: job.attempt }, 'job stopped');
  }
  if (isWaiting || (isPassingBy && job.attempt < task.attempts)) {
    return jobs.retryLater(here.sql, job, problem);
  }
  return error instanceof jobs.Overtaken ? undefined : jobs.fail(here.sql, job, problem);
}
