// Records the attempts to run a job. Every change checks that the job still has this attempt’s number, so that a worker
// changes nothing after another worker has taken over the job.
import type { Pool, PoolConnection } from 'mysql2/promise';
import {
  byPrimaryKey,
  first,
  run,
  sql,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { cancelChildren, hasLiveChildren, lock, wake } from './children.ts';
import { byId, now, silentFor, SILENCE_MS, type Job } from './jobs.ts';
import { mine } from './fence.ts';
import { endSteps } from './steps.ts';
import { Cancelled, Overtaken } from './interrupted.ts';

/**
 * Begins an attempt at a job that is due, or whose worker died; returns null otherwise, for example
 * when another worker was first.
 */
export async function begin(on: Queryable, id: string): Promise<Job | null> {
  const found = await run(
    on,
    sql`update ${byPrimaryKey('job')}
           set state = 'running', attempt = attempt + 1, alive_at = ${now}, problem = null,
               started_at = coalesce(started_at, ${now})
         where id = ${id}
           and ((state = 'waiting' and coalesce(run_at, created_at) <= ${now})
             or (state = 'running' and alive_at < ${silentFor(SILENCE_MS)}))`,
  );
  return found === 1 ? ((await byId(on, id)) ?? null) : null;
}

const inSeconds = (milliseconds: number) =>
  sql`${now} + interval ${Math.round(milliseconds) * 1000} microsecond`;

/** Records why a job cannot start yet, and when it is tried again. */
export const postpone = (on: Queryable, id: string, problem: string, delayMs: number) =>
  run(
    on,
    sql`update ${byPrimaryKey('job')} set problem = ${problem}, run_at = ${inSeconds(delayMs)}
         where id = ${id} and state = 'waiting'`,
  );

/**
 * The progress of a job. `result` is stored with the job: the next attempt can read it and continue after the work that
 * is done.
 */
export type Progress = { done: number; total: number; doing: string; result?: unknown };

/**
 * Records the progress of a job.
 * @throws Overtaken when another worker has taken over the job, Cancelled when a person cancelled
 * it
 */
export async function report(on: Queryable, job: Job, { done, total, doing, result }: Progress) {
  await run(
    on,
    sql`update ${byPrimaryKey('job')} set done_count = ${done}, total_count = ${total}, doing = ${doing.slice(0, 300)},
               report = coalesce(${result === undefined ? null : JSON.stringify(result)}, report),
               alive_at = ${now}
         where ${mine(job)}`,
  );
  const own = await first<Job>(on, sql`select cancelled_by from job where ${mine(job)}`);
  if (!own) throw new Overtaken(`Job ${job.number} was taken over by another worker`);
  if (own.cancelled_by) throw new Cancelled(`Cancelled by ${own.cancelled_by}`);
}

export const heartbeat = (on: Queryable, job: Job) =>
  run(on, sql`update ${byPrimaryKey('job')} set alive_at = ${now} where ${mine(job)}`);

export const finish = (pool: Pool, job: Job, result: unknown) =>
  end(pool, job, {
    steps: 'done',
    change: sql`state = 'done', doing = '', done_count = greatest(done_count, total_count),
                report = ${JSON.stringify(result ?? null)}`,
  });

/**
 * Fails a job for good, and cancels its cancellable child jobs, because no job waits for their
 * results any more.
 */
export const fail = (pool: Pool, job: Job, problem: string, kinds: string[]) =>
  end(pool, job, {
    steps: 'failed',
    change: sql`state = 'failed', problem = ${problem}`,
    also: (on) => cancelChildren(on, job.id, { person: `job ${job.number}`, kinds }),
  });

/** Ends a cancelled job after it has stopped; its results so far are kept. */
export const endCancelled = (pool: Pool, job: Job) =>
  end(pool, job, { steps: 'stopped', change: sql`state = 'cancelled'` });

type Ending = {
  steps: 'done' | 'failed' | 'stopped';
  change: Statement;
  also?: (on: PoolConnection) => Promise<unknown>;
};

/**
 * Ends a job and wakes its parent job, in one transaction. The parent job is always locked before
 * its child job, so that ending and cancelling cannot deadlock.
 */
const end = (pool: Pool, job: Job, { steps, change, also }: Ending) =>
  transaction(pool, async (on) => {
    if (job.parent) await lock(on, job.parent);
    const found = await run(
      on,
      sql`update ${byPrimaryKey('job')} set ended_at = ${now}, ${change} where ${mine(job)}`,
    );
    if (found === 0) return;
    await endSteps(on, job, steps);
    await also?.(on);
    if (job.parent) await wake(on, job.parent);
  });

/** Ends this attempt at the job; the next attempt starts after `delayMs`. */
export async function retryLater(on: Queryable, job: Job, problem: string, delayMs: number) {
  const found = await run(
    on,
    sql`update ${byPrimaryKey('job')} set state = 'waiting', problem = ${problem}, run_at = ${inSeconds(delayMs)} where ${mine(job)}`,
  );
  if (found === 1) await endSteps(on, job, 'stopped');
}

/**
 * Ends this attempt without counting it towards the job’s limit; the next attempt starts after
 * `delayMs`.
 */
export async function postponeNext(on: Queryable, job: Job, problem: string, delayMs: number) {
  const found = await run(
    on,
    sql`update ${byPrimaryKey('job')}
           set state = 'waiting', problem = ${problem}, run_at = ${inSeconds(delayMs)},
               attempts_before = attempts_before + 1
         where ${mine(job)}`,
  );
  if (found === 1) await endSteps(on, job, 'stopped');
}

/**
 * Ends this attempt without counting it, so that its worker is free. The job continues when its
 * last child job has ended.
 */
export const awaitChildren = (pool: Pool, job: Job) =>
  transaction(pool, async (on) => {
    await lock(on, job.id);
    const state = (await hasLiveChildren(on, job.id)) ? 'waiting_children' : 'waiting';
    await run(
      on,
      sql`update ${byPrimaryKey('job')} set state = ${state}, run_at = ${now}, attempts_before = attempts_before + 1 where ${mine(job)}`,
    );
  });
