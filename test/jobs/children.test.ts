// A parent job waits for its child jobs, aggregates their results, and is cancelled together with them.
import { afterEach, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, select, sql } from '../../src/database/sql.ts';
import { cancel } from '../../src/jobs/cancel.ts';
import { childrenOf } from '../../src/jobs/children.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { jobTasks } from '../support/job-tasks.ts';
import { ended, until, useWorkers } from '../support/jobs.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const workers = useWorkers();
afterEach(() => {
  failpoints.reached = () => {};
});

const requestFamily = async (number: number) =>
  (
    await jobs.request(world.staging.sql, {
      kind: 'family',
      name: 'Family',
      person: 'pm@example.com',
      input: { number },
    })
  ).job;

test('a parent job continues when all its child jobs are done, and aggregates their results', async () => {
  const { staging } = world;
  const queue = await workers.open(staging, jobTasks);
  await workers.open(staging, jobTasks);
  const parent = await requestFamily(12);
  await queue.push(parent);
  const done = await ended(staging, parent.id);
  expect(done).toMatchObject({ state: 'done', attempts_before: 1 });
  expect(JSON.parse(done.report ?? '')).toEqual(
    Array.from({ length: 12 }, (_one, index) => index * 10),
  );
  // The second attempt of the parent job did not request its child jobs again.
  expect(await childrenOf(staging.sql, parent.id)).toHaveLength(12);
});

test('a parent job continues when a child job has failed, and learns which one failed', async () => {
  const { staging } = world;
  failpoints.reached = (name) => {
    if (name === 'child 1') throw new Error('Account 1 is locked');
  };
  const queue = await workers.open(staging, jobTasks);
  const parent = await requestFamily(3);
  await queue.push(parent);
  const done = await ended(staging, parent.id);
  expect(JSON.parse(done.report ?? '')).toEqual([0, 'failed', 20]);
  expect(await childrenOf(staging.sql, parent.id)).toMatchObject([
    { state: 'done' },
    { state: 'failed', problem: 'Account 1 is locked' },
    { state: 'done' },
  ]);
});

test('a parent job occupies no worker while its child jobs run, and continues after the last child job even without Redis', async () => {
  const { staging } = world;
  const parent = await requestFamily(2);
  expect(await runJob(staging, jobTasks, parent.id)).toMatchObject({ state: 'waiting_children' });
  const children = await select<{ id: string }>(
    staging.sql,
    sql`select id from job where parent = ${parent.id} order by number`,
  );
  for (const [index, { id }] of children.entries()) {
    expect(await jobs.byId(staging.sql, parent.id)).toMatchObject({ state: 'waiting_children' });
    expect(await runJob(staging, jobTasks, id)).toMatchObject({ state: 'done' });
    expect(index).toBeLessThan(2);
  }
  expect(await jobs.byId(staging.sql, parent.id)).toMatchObject({ state: 'waiting' });
  expect(await runJob(staging, jobTasks, parent.id)).toMatchObject({
    state: 'done',
    report: '[0,10]',
  });
});

test('child jobs that end at the same moment wake their parent job once, without a deadlock', async () => {
  const { staging } = world;
  for (let round = 0; round < 5; round += 1) {
    const parent = await requestFamily(6);
    await runJob(staging, jobTasks, parent.id);
    const children = await select<{ id: string }>(
      staging.sql,
      sql`select id from job where parent = ${parent.id}`,
    );
    const all = await Promise.all(children.map(({ id }) => runJob(staging, jobTasks, id)));
    expect(all.every((child) => child?.state === 'done' && child.attempt === 1)).toBe(true);
    expect(await jobs.byId(staging.sql, parent.id)).toMatchObject({ state: 'waiting' });
  }
});

test('cancelling a parent job cancels waiting child jobs at once and a running child job at its next progress report', async () => {
  const { staging } = world;
  let open = () => {};
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  failpoints.reached = () => isOpen;
  const parent = await requestFamily(3);
  await runJob(staging, jobTasks, parent.id);
  const [first] = await select<{ id: string }>(
    staging.sql,
    sql`select id from job where parent = ${parent.id} order by number limit 1`,
  );
  const running = runJob(staging, jobTasks, first?.id ?? '');
  await sleep(100);
  const waiting = await jobs.byId(staging.sql, parent.id);
  if (!waiting) throw new Error('It is gone');
  expect(await cancel(staging, jobTasks, waiting, 'pm@example.com')).toBe(true);
  expect(await childrenOf(staging.sql, parent.id)).toMatchObject([
    { state: 'running' },
    { state: 'cancelled' },
    { state: 'cancelled' },
  ]);
  expect(await jobs.byId(staging.sql, parent.id)).toMatchObject({ state: 'waiting_children' });
  open();
  expect(await running).toMatchObject({ state: 'cancelled' });
  expect(await runJob(staging, jobTasks, parent.id)).toMatchObject({ state: 'cancelled' });
});

test('the child jobs of a parent job that fails are cancelled', async () => {
  const { staging } = world;
  const parent = await requestFamily(2);
  await runJob(staging, jobTasks, parent.id);
  // Simulates a job that was attempted 500 times because its process died each time.
  await run(
    staging.sql,
    sql`update job set state = 'waiting', attempt = 500 where id = ${parent.id}`,
  );
  expect(await runJob(staging, jobTasks, parent.id)).toMatchObject({ state: 'failed' });
  expect(await childrenOf(staging.sql, parent.id)).toMatchObject([
    { state: 'cancelled' },
    { state: 'cancelled' },
  ]);
});

test('a parent job and its child jobs finish although Redis loses its data while the parent waits', async () => {
  const { staging } = world;
  let open = () => {};
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  failpoints.reached = (name) => (name === 'child 0' ? isOpen : undefined);
  const queue = await workers.open(staging, jobTasks);
  const parent = await requestFamily(5);
  await queue.push(parent);
  await until(async () =>
    (await childrenOf(staging.sql, parent.id)).some(({ state }) => state === 'running'),
  );
  await workers.flush(staging);
  open();
  // A periodic check requeues a job that has been due for five seconds.
  await sleep(5500);
  const done = await ended(staging, parent.id);
  expect(JSON.parse(done.report ?? '')).toEqual([0, 10, 20, 30, 40]);
});
