// Kills or pauses the process of a run that fetches files from a data source, at each step. The next attempt must
// continue from what is stored, and no file may be stored or loaded twice. SOURCE_KILLS=200 kills a process at each of
// the first 200 steps in turn.
import { beforeEach, expect, test } from 'vitest';
import { requestRun } from '../../src/sources/run.ts';
import { checksumOf } from '../../src/storage/open.ts';
import { select, sql } from '../../src/database/sql.ts';
import { tasks } from '../../src/tasks.ts';
import type { App } from '../../src/environments/app.ts';
import { age, ended, silence, useWorkers } from '../support/jobs.ts';
import { killedAt, stoppedAt } from '../support/killing.ts';
import { textAt } from '../support/storage.ts';
import {
  addSource,
  emptyStorage,
  linesIn,
  objectsIn,
  ops,
  runSourceNow,
  runToEnd,
  usePublisher,
  useStores,
} from '../support/sources.ts';

const worlds = useStores();
const { 'a folder': inFolder } = worlds;
const publisher = usePublisher();
const workers = useWorkers();
beforeEach(async () => {
  for (const world of Object.values(worlds)) await emptyStorage(world);
});

/**
 * Checks the registry of data files, the stored files and the loaded rows after a run of a data source. Returns one
 * text for each error that it finds.
 */
async function findings(here: App): Promise<string[]> {
  const found: string[] = [];
  const lines = await linesIn(here);
  const names = lines.map((line) => line.file_name);
  if (names.join() !== 'cities-2024.csv,cities-2025.csv,cities-2026.csv')
    found.push(`lines: ${names.join()}`);
  for (const { object, sha256, file_name: name, state } of lines) {
    if (state !== 'processed') found.push(`${name} is ${state}`);
    const sum = await checksumOf(here.storage, object).catch(() => 'no object');
    if (sum !== sha256) found.push(`${name} is not what its line says: ${sum}`);
  }
  for (const { id, object, file_name: name } of lines) {
    const expected = (await textAt(here.storage, object)).trim().split('\r\n').length - 1;
    const rows = await select(here.sql, sql`select id from data_row where datafile = ${id}`);
    if (rows.length !== expected) found.push(`${name}: ${rows.length} rows of ${expected}`);
  }
  const versions = await select(here.sql, sql`select number from data_version`);
  if (versions.length !== 3) found.push(`${versions.length} versions`);
  const objects = await objectsIn(here);
  if (objects.length !== 3) found.push(`objects: ${objects.join()}`);
  const fetched = publisher.requests.filter(({ path }) => path.startsWith('/files/'));
  if (fetched.length > 4) found.push(`${fetched.length} files were fetched`);
  return found;
}

type Point = [point: string, times: number];
const samples: Point[] = [
  ['source listed', 1],
  ['source file arriving', 2],
  ['source file stored', 1],
  ['source file stored', 3],
  ['source line written', 2],
  ['source file loaded', 1],
  ['source file loaded', 3],
];
const kills = Number(process.env['SOURCE_KILLS'] ?? 0);
const points: Point[] =
  kills > 0 ? Array.from({ length: kills }, (_one, index): Point => ['any', index + 1]) : samples;

test.each(points)(
  'S3-33 S3-35 the run of a data source that is killed at the step “%s” (occurrence %d) continues, and stores and loads each file once',
  async (point, times) => {
    const { staging } = inFolder;
    const source = await addSource(staging, publisher);
    const { job } = await requestRun(staging.sql, source, ops);
    const wasKilled = await killedAt(
      inFolder.variables.staging,
      { do: 'job', id: job.id },
      { point, times },
    );
    if (kills === 0) expect(wasKilled).toBe(true);
    await silence(staging, job.id);
    const { report } = await runToEnd(staging, job);
    expect(report).toMatchObject({ found: 3, fetched: 3, loaded: 3, failed: 0 });
    expect(await findings(staging)).toEqual([]);
    expect((await runSourceNow(staging, source)).report).toMatchObject({ fetched: 0, loaded: 0 });
  },
);

test.each(['a folder', 'a bucket'] as const)(
  'if a run of a data source is killed after it stored a file in %s, the next attempt records the file without fetching it again',
  async (store) => {
    const { staging } = worlds[store];
    const source = await addSource(staging, publisher);
    const { job } = await requestRun(staging.sql, source, ops);
    await killedAt(
      worlds[store].variables.staging,
      { do: 'job', id: job.id },
      { point: 'source file stored', times: 3 },
    );
    expect([(await objectsIn(staging)).length, (await linesIn(staging)).length]).toEqual([3, 2]);
    publisher.requests.length = 0;
    await silence(staging, job.id);
    await runToEnd(staging, job);
    expect(publisher.requests.map(({ path }) => path)).toEqual(['/cities.json']);
    expect(await findings(staging)).toEqual([]);
  },
);

test.each(['a folder', 'a bucket'] as const)(
  'if a worker was paused and another worker took over its run of a data source, the first worker stores nothing a second time in %s',
  async (store) => {
    const { staging } = worlds[store];
    const source = await addSource(staging, publisher);
    const { job } = await requestRun(staging.sql, source, ops);
    const at = { point: 'source file arriving', times: 2 };
    const task = { do: 'job', id: job.id } as const;
    const { wasStopped, goOn } = await stoppedAt(worlds[store].variables.staging, task, at);
    expect(wasStopped).toBe(true);
    await silence(staging, job.id);
    await runToEnd(staging, job);
    const before = await linesIn(staging);
    await goOn();
    expect(await linesIn(staging)).toEqual(before);
    expect(await findings(staging)).toEqual([]);
  },
);

test('a requested run of a data source is still completed if Redis loses its data, because its job is recorded in MySQL', async () => {
  const { staging } = inFolder;
  const queue = await workers.open(staging, tasks);
  const source = await addSource(staging, publisher);
  await workers.flush(staging);
  const { job } = await requestRun(staging.sql, source, ops);
  await age(staging, job.id);
  expect(await ended(staging, job.id)).toMatchObject({ state: 'done' });
  await queue.close();
  expect(await findings(staging)).toEqual([]);
});

test('a run that is cancelled while it fetches from a data source stops at its next step, and the next run fetches all files', async () => {
  const { staging } = inFolder;
  const source = await addSource(staging, publisher);
  const { job } = await requestRun(staging.sql, source, ops);
  await staging.sql.query('UPDATE job SET cancelled_by = ?', [ops]);
  expect((await runToEnd(staging, job)).job.state).toBe('cancelled');
  expect((await runSourceNow(staging, source)).report).toMatchObject({ fetched: 3 });
});
