// Helpers for tests of jobs: a simple kind of job, waiting until a job ends, and workers that stop after each test.
import { afterEach } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { run, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { openRedis } from '../../src/environments/redis.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { startChores } from '../../src/jobs/chores.ts';
import { openQueue, startWorker, sweep, type JobQueue } from '../../src/jobs/queue.ts';
import { task, type Task, type Tasks } from '../../src/jobs/task.ts';

/** Defines a kind of job, `count`, that appends the number in its input to `seen`. */
export const counting = (seen: number[], more: Partial<Task> = {}): Tasks => ({
  count: task(z.object({ number: z.number() }), {
    label: 'Count',
    attempts: 3,
    mayBeCancelled: true,
    ...more,
    run: async ({ report }, { number }) => {
      seen.push(number);
      await report({ done: 1, total: 2, doing: 'Counting' });
      return { number };
    },
  }),
});

export const wanted = {
  kind: 'count',
  name: 'Counting',
  person: 'pm@example.com',
  input: { number: 7 },
};

export async function until<T>(ask: () => Promise<T | undefined | false | null>): Promise<T> {
  for (const end = Date.now() + 45_000; Date.now() < end; await sleep(50)) {
    const answer = await ask();
    if (answer) return answer;
  }
  throw new Error('It did not happen within 45 seconds');
}

export const ended = (here: App, id: string) =>
  until(async () => {
    const job = await jobs.byId(here.sql, id);
    return job && !jobs.isLive(job) && job;
  });

/** Makes a job look as if its worker had sent no heartbeat for a minute. */
export const silence = (here: App, id: string) =>
  run(
    here.sql,
    sql`update job set alive_at = utc_timestamp(3) - interval 60 second where id = ${id}`,
  );

/** Makes a job look as if it had been requested a minute ago. */
export const age = (here: App, id: string) =>
  run(
    here.sql,
    sql`update job
           set created_at = utc_timestamp(3) - interval 60 second,
               run_at = if(run_at is null, null, utc_timestamp(3) - interval 60 second)
         where id = ${id}`,
  );

/**
 * Starts workers in this process that act like workers of separate processes: each has its own Redis connection and its
 * own periodic check for lost jobs. All workers stop after each test.
 */
export function useWorkers() {
  const closers: (() => Promise<unknown> | void)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  return {
    open: async (here: App, tasks: Tasks): Promise<JobQueue> => {
      const redis = await openRedis(here);
      const process = { ...here, halt: new AbortController() };
      const queue = openQueue(process, redis, tasks);
      const stop = startWorker(process, { redis, patient: redis }, tasks);
      const stopSweep = startChores(process, [
        { name: 'sweep', everyMs: 200, run: (one) => sweep(one, queue) },
      ]);
      closers.push(async () => {
        process.halt.abort();
        await Promise.all([stop(), stopSweep()]);
        await queue.close();
        redis.destroy();
      });
      return queue;
    },
    /** Empties Redis, as if it had lost its data. */
    flush: async (here: App) => {
      const redis = await openRedis(here);
      await redis.flushDb();
      redis.destroy();
    },
    onClose: (close: () => Promise<unknown> | void) => void closers.push(close),
  };
}
