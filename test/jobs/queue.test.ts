// Jobs that are queued in Redis start in order and on time and respect limits, even after Redis loses its data.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { openRedis, type Redis } from '../../src/environments/redis.ts';
import { fromSqlInstant, transaction } from '../../src/database/sql.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { task, type Task, type Tasks } from '../../src/jobs/task.ts';
import { Unavailable } from '../../src/problems.ts';
import { age, counting, ended, until, useWorkers, wanted } from '../support/jobs.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const workers = useWorkers();
let redis: Redis;
beforeAll(async () => {
  redis = await openRedis(world.staging);
});
afterAll(() => redis.destroy());

const request = async (more: Partial<jobs.JobRequest> = {}) =>
  (await jobs.request(world.staging.sql, { ...wanted, ...more })).job;

const startOf = ({ started_at }: jobs.Job) => Date.parse(fromSqlInstant(started_at ?? ''));

test('a worker runs a queued job once and stores its progress and result in MySQL', async () => {
  const { staging } = world;
  const seen: number[] = [];
  const queue = await workers.open(staging, counting(seen));
  const job = await request();
  await queue.push(job);
  expect(await ended(staging, job.id)).toMatchObject({
    state: 'done',
    report: '{"number":7}',
    attempt: 1,
    done_count: 2,
  });
  expect(seen).toEqual([7]);
});

test('jobs are requeued after Redis loses its data, both before a worker starts and while a worker waits for jobs', async () => {
  const { staging } = world;
  const seen: number[] = [];
  const lost = await request();
  await openQueue(staging, redis, counting([])).push(lost);
  await redis.flushDb();
  await workers.open(staging, counting(seen));
  await sleep(500);
  expect(seen).toEqual([]);
  await age(staging, lost.id);
  expect(await ended(staging, lost.id)).toMatchObject({ state: 'done' });
  await redis.flushDb();
  const second = await request();
  await age(staging, second.id);
  expect(await ended(staging, second.id)).toMatchObject({ state: 'done' });
});

test('a running job finishes in its first attempt although Redis loses its data meanwhile', async () => {
  const { staging } = world;
  let open = () => {};
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  const attempts: number[] = [];
  const slow: Tasks = {
    count: task(z.object({}), {
      label: 'Slow',
      attempts: 3,
      mayBeCancelled: true,
      run: async ({ job, report }) => {
        attempts.push(job.attempt);
        await isOpen;
        await report({ done: 1, total: 1, doing: 'After the loss' });
      },
    }),
  };
  const queue = await workers.open(staging, slow);
  const job = await request();
  await queue.push(job);
  await until(async () => attempts.length > 0);
  await redis.flushDb();
  open();
  expect(await ended(staging, job.id)).toMatchObject({ state: 'done', attempt: 1 });
  expect(attempts).toEqual([1]);
});

test('a periodic check finds and queues a job that was committed in MySQL but never queued in Redis', async () => {
  const { staging } = world;
  const seen: number[] = [];
  await workers.open(staging, counting(seen));
  const { job } = await transaction(staging.sql, (on) => jobs.request(on, wanted));
  await age(staging, job.id);
  expect(await ended(staging, job.id)).toMatchObject({ state: 'done' });
  expect(seen).toEqual([7]);
});

test('two workers run each job once, however often it is queued', async () => {
  const { staging } = world;
  const seen: number[] = [];
  const queue = await workers.open(staging, counting(seen));
  await workers.open(staging, counting(seen));
  const all = [];
  for (let number = 0; number < 20; number += 1) all.push(await request({ input: { number } }));
  await Promise.all([...all, ...all].map((job) => queue.push(job)));
  for (const { id } of all)
    expect(await ended(staging, id)).toMatchObject({ state: 'done', attempt: 1 });
  expect(seen.toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_one, index) => index),
  );
});

/**
 * Runs jobs one at a time. The first job waits until the others are queued, so that the order of
 * the others shows.
 */
async function inTurn(
  more: Partial<Task>,
  wants: Partial<jobs.JobRequest>[],
): Promise<{ seen: number[]; all: jobs.Job[] }> {
  const { staging } = world;
  const seen: number[] = [];
  let open = () => {};
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  const own: Tasks = {
    count: task(z.object({ number: z.number() }), {
      label: 'In turn',
      attempts: 3,
      mayBeCancelled: true,
      concurrency: 1,
      ...more,
      run: async (_work, { number }) => {
        seen.push(number);
        if (number === 0) await isOpen;
      },
    }),
  };
  const queue = await workers.open(staging, own);
  await workers.open(staging, own);
  const all = [];
  for (const [index, one] of [{}, ...wants].entries()) {
    const job = await request({ ...one, input: { number: index } });
    await queue.push(job);
    all.push(job);
    if (index === 0) await until(async () => seen.length === 1);
  }
  await sleep(300);
  expect(seen).toEqual([0]);
  open();
  const finished = [];
  for (const { id } of all) finished.push(await ended(staging, id));
  return { seen, all: finished };
}

test('two workers together respect the concurrency limit of a kind of job, and start its jobs by priority', async () => {
  const { seen } = await inTurn({}, [
    { priority: 'low' },
    {},
    { priority: 'high' },
    {},
    { priority: 'high' },
  ]);
  expect(seen).toEqual([0, 3, 5, 2, 4, 1]);
});

test('a job that was requested for a later time lets other jobs run first and starts when its time has come', async () => {
  const at = Date.now() + 2500;
  const { seen, all } = await inTurn({}, [{ runAt: new Date(at).toISOString() }, {}]);
  expect(seen).toEqual([0, 2, 1]);
  const late = startOf(all[1] as jobs.Job) - at;
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(3000);
});

test('the rate limit of a kind of job applies to all its workers together', async () => {
  const { staging } = world;
  const own = counting([], { rate: { max: 2, perMs: 1000 } });
  const queue = await workers.open(staging, own);
  await workers.open(staging, own);
  const all = [];
  for (let number = 0; number < 6; number += 1) all.push(await request({ input: { number } }));
  await queue.pushAll(all);
  const starts = [];
  for (const { id } of all) starts.push(startOf(await ended(staging, id)));
  const [first = 0, ...rest] = starts.toSorted((a, b) => a - b);
  expect((rest.at(-1) ?? 0) - first).toBeGreaterThan(1500);
});

test('a job whose attempt failed is tried again after the delay that its kind of job sets', async () => {
  const { staging } = world;
  const at: number[] = [];
  const own: Tasks = {
    count: task(z.object({}), {
      label: 'Third time lucky',
      attempts: 5,
      mayBeCancelled: true,
      backoff: { type: 'fixed', delay: 1500 },
      run: async () => {
        at.push(Date.now());
        if (at.length < 3) throw new Unavailable('Production does not answer');
      },
    }),
  };
  const queue = await workers.open(staging, own);
  const job = await request();
  await queue.push(job);
  expect(await ended(staging, job.id)).toMatchObject({ state: 'done', attempt: 3 });
  const waits = at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
  expect(waits.every((wait) => wait >= 1400 && wait < 4500)).toBe(true);
});
