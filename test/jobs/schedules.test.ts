// A schedule requests one job at each due time, whatever happens to processes and to Redis.
import { expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../../src/environments/app.ts';
import { openRedis } from '../../src/environments/redis.ts';
import { fromSqlInstant, run, select, sql } from '../../src/database/sql.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { declaredFor, nextRun, runNow, shown, type Schedule } from '../../src/jobs/schedules.ts';
import { openTicks } from '../../src/jobs/ticks.ts';
import { counting, until, useWorkers } from '../support/jobs.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const workers = useWorkers();

const schedule: Schedule = {
  name: 'count-by-clock',
  label: 'Counting by the clock',
  pattern: '* * * * * *',
  timeZone: 'UTC',
  kind: 'count',
  input: { number: 1 },
};
const nightly: Schedule = { ...schedule, pattern: '0 3 * * *' };

const schedulesOf = (own: Schedule) => (here: App) => Promise.resolve(declaredFor(here, [own]));

/**
 * Opens a queue and a schedule, as one server process does; `start` lets this process run the
 * schedule.
 */
async function openProcess(own: Schedule) {
  const { staging } = world;
  const redis = await openRedis(staging);
  const queue = openQueue(staging, redis, counting([]));
  const ticks = openTicks(staging, redis, schedulesOf(own), queue);
  workers.onClose(async () => {
    await Promise.all([ticks.close(), queue.close()]);
    redis.destroy();
  });
  return {
    ticks,
    start: () => {
      const stop = ticks.start(redis);
      let isStopped = false;
      const once = async () => {
        if (!isStopped) await stop();
        isStopped = true;
      };
      workers.onClose(once);
      return once;
    },
  };
}

const requested = () => jobs.newest(world.staging.sql, 'count', 100);
const recorded = () =>
  select<{ next_at: string; last_due_at: string | null }>(
    world.staging.sql,
    sql`select next_at, last_due_at from job_schedule`,
  );

/** Sets the next run of a schedule to 25 hours ago, so that two nightly runs count as missed. */
const missTwice = () =>
  run(
    world.staging.sql,
    sql`update job_schedule set next_at = utc_timestamp(3) - interval 25 hour`,
  );

test('the next run of a schedule follows its cron pattern in its time zone, even when summer time begins or ends', () => {
  const berlin = { ...schedule, pattern: '30 6 * * 1-5', timeZone: 'Europe/Berlin' };
  const next = (after: string) => new Date(nextRun(berlin, Date.parse(after))).toISOString();
  expect(next('2026-03-27T12:00:00Z')).toBe('2026-03-30T04:30:00.000Z');
  expect(next('2026-03-27T01:00:00Z')).toBe('2026-03-27T05:30:00.000Z');
});

test('two processes with the same schedule request only one job at each due time', async () => {
  const one = await openProcess(schedule);
  const other = await openProcess(schedule);
  await Promise.all([one.ticks.sweep(), other.ticks.sweep()]);
  const stops = [one.start(), other.start()];
  await until(async () => (await requested()).length >= 4);
  for (const stop of stops) await stop();
  const all = await requested();
  const seconds = all.map(({ created_at }) =>
    Math.floor(Date.parse(fromSqlInstant(created_at)) / 1000),
  );
  expect(new Set(seconds).size).toBe(seconds.length);
  expect(all.every(({ person }) => person === 'schedule')).toBe(true);
});

test('a schedule is registered in Redis again after Redis loses its data, and continues to request jobs', async () => {
  const { ticks, start } = await openProcess(schedule);
  await ticks.sweep();
  start();
  await until(async () => (await requested()).length >= 1);
  await workers.flush(world.staging);
  await sleep(1500);
  await ticks.sweep();
  const before = (await requested()).length;
  await until(async () => (await requested()).length >= before + 2);
});

test('after an outage a single run makes up for all runs that a schedule missed', async () => {
  const { ticks } = await openProcess(nightly);
  await ticks.sweep();
  expect(await requested()).toEqual([]);
  await missTwice();
  const other = await openProcess(nightly);
  await Promise.all([ticks.sweep(), other.ticks.sweep()]);
  await ticks.sweep();
  expect(await requested()).toHaveLength(1);
  const [line] = await recorded();
  expect(Date.parse(fromSqlInstant(line?.next_at ?? ''))).toBeGreaterThan(Date.now());
  expect(line?.last_due_at).not.toBeNull();
});

test('a schedule with a changed pattern runs at the next time of the new pattern, not at once', async () => {
  const { ticks } = await openProcess(nightly);
  await ticks.sweep();
  await missTwice();
  const later = await openProcess({ ...nightly, pattern: '0 4 * * *' });
  await later.ticks.sweep();
  expect(await requested()).toEqual([]);
  expect((await recorded())[0]?.next_at).toMatch(/ 04:00:00.000$/);
});

test('the button Run now requests the job of a schedule and does not move its next run', async () => {
  const { staging } = world;
  const { ticks } = await openProcess(nightly);
  await ticks.sweep();
  const [before] = await recorded();
  const { job } = await runNow(staging, nightly, 'ops@example.com');
  expect(await recorded()).toEqual([before]);
  expect(await shown(staging, [nightly])).toMatchObject([
    { next_at: before?.next_at, last: { number: job.number, state: 'waiting' } },
  ]);
});

test('an environment does not run a schedule that is declared for another environment', async () => {
  const { ticks } = await openProcess({ ...nightly, isFor: ({ name }) => name === 'preprod' });
  await ticks.sweep();
  expect(await recorded()).toEqual([]);
});
