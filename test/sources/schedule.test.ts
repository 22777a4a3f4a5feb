// Tests the schedule of each source: a cron pattern, whose changes take effect without a restart.
import { beforeEach, expect, test } from 'vitest';
import { fromSqlInstant, run, select, sql } from '../../src/database/sql.ts';
import { openRedis } from '../../src/environments/redis.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { shown } from '../../src/jobs/schedules.ts';
import { openTicks } from '../../src/jobs/ticks.ts';
import { requestRun, SOURCE_RUN } from '../../src/sources/run.ts';
import * as sources from '../../src/sources/sources.ts';
import { schedules, tasks } from '../../src/tasks.ts';
import { until, useWorkers } from '../support/jobs.ts';
import { addSource, emptyStorage, ops, usePublisher, useSources } from '../support/sources.ts';

const world = useSources();
const publisher = usePublisher();
const workers = useWorkers();
beforeEach(() => emptyStorage(world));

async function openProcess() {
  const { staging } = world;
  const redis = await openRedis(staging);
  const queue = openQueue(staging, redis, tasks);
  const ticks = openTicks(staging, redis, schedules, queue);
  workers.onClose(async () => {
    await Promise.all([ticks.close(), queue.close()]);
    redis.destroy();
  });
  return ticks;
}

const recorded = () =>
  select<{ name: string; pattern: string; next_at: string }>(
    world.staging.sql,
    sql`select name, pattern, next_at from job_schedule where name like 'source-%'`,
  );
const requested = () => jobs.newest(world.staging.sql, SOURCE_RUN);
const changeTo = async (source: sources.Source, also: sources.PostedSource) => {
  const { revision: seen } = await sources.known(world.staging.sql, source.id);
  await sources.change(
    world.staging,
    ops,
    { id: source.id, seen },
    {
      name: source.name,
      url: source.url,
      dataset: String(source.dataset),
      cron: source.cron,
      active: 'yes',
      options: sources.optionsOf(source),
      ...also,
    },
  );
};
const missOne = () =>
  run(world.staging.sql, sql`update job_schedule set next_at = utc_timestamp(3) - interval 1 hour`);

test('S3-10 S3-24 an active data source is run at the times of its schedule, and only once if several of these times were missed', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  const ticks = await openProcess();
  await ticks.sweep();
  expect(await recorded()).toMatchObject([{ name: `source-${source.id}`, pattern: '0 2 * * *' }]);
  expect(await requested()).toEqual([]);
  await missOne();
  await ticks.sweep();
  await ticks.sweep();
  expect(await requested()).toMatchObject([{ person: 'schedule', state: 'waiting' }]);
});

test('S3-24 the list of schedules shows each active data source with its next run and its last run, also if a person started that run', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  await addSource(staging, publisher, { name: 'Idle', active: 'no' });
  await (await openProcess()).sweep();
  const lines = (await shown(staging, await schedules(staging))).filter(
    ({ kind }) => kind === SOURCE_RUN,
  );
  expect(lines).toMatchObject([{ label: 'Source Cities', pattern: source.cron, last: null }]);
  expect(lines[0]?.next_at).toMatch(/ 02:00:00/);
  const { job } = await requestRun(staging.sql, source, 'ed@example.com');
  const last = async () =>
    (await shown(staging, await schedules(staging))).find(({ kind }) => kind === SOURCE_RUN)?.last;
  expect(await last()).toMatchObject({ number: job.number });
  await run(staging.sql, sql`delete from job_schedule`);
  expect(await last()).toBeNull();
  await (await openProcess()).sweep();
  expect(await last()).toMatchObject({ number: job.number });
});

test('a changed cron pattern of a data source takes effect without a restart', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  const ticks = await openProcess();
  await ticks.sweep();
  await changeTo(source, { cron: '30 6 * * 1-5' });
  await ticks.sweep();
  const [line] = await recorded();
  expect(line?.pattern).toBe('30 6 * * 1-5');
  expect(line?.next_at).toMatch(/ 06:30:00/);
  expect(await requested()).toEqual([]);
});

test('a data source that is switched off is not run, and switching it on again does not catch up on missed runs', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  const ticks = await openProcess();
  await ticks.sweep();
  await changeTo(source, { active: 'no' });
  await missOne();
  await ticks.sweep();
  expect([await recorded(), await requested()]).toEqual([[], []]);
  await changeTo(source, { active: 'yes' });
  await ticks.sweep();
  expect(await requested()).toEqual([]);
  const [line] = await recorded();
  expect(Date.parse(fromSqlInstant(line?.next_at ?? ''))).toBeGreaterThan(Date.now());
});

test('a running process schedules a data source that is added later', async () => {
  const { staging } = world;
  const ticks = await openProcess();
  const redis = await openRedis(staging);
  const stop = ticks.start(redis);
  workers.onClose(async () => {
    await stop();
    redis.destroy();
  });
  await ticks.sweep();
  await addSource(staging, publisher, { cron: '* * * * *' });
  await ticks.sweep();
  await missOne();
  await until(async () => {
    await ticks.sweep();
    return (await requested()).length === 1;
  });
});

test('a request to run a data source whose run is active returns the job of that run', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  const ticks = await openProcess();
  await ticks.sweep();
  await missOne();
  await ticks.sweep();
  expect(await requestRun(staging.sql, source, ops)).toMatchObject({ isNew: false });
});
