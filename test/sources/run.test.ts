// Tests runs of a data source against the server of the invented publisher (demo/publisher): what a run fetches, loads,
// repeats and reports.
import { beforeEach, expect, test } from 'vitest';
import { etagOf } from '../../demo/publisher/server.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { differsAtSource } from '../../src/datasets/registry.ts';
import { linesOf } from '../../src/sources/lines.ts';
import { cancel } from '../../src/jobs/cancel.ts';
import { stepsOf } from '../../src/jobs/steps.ts';
import { deadlines } from '../../src/sources/answer.ts';
import { requestRefetch, requestRun } from '../../src/sources/run.ts';
import { tasks } from '../../src/tasks.ts';
import { until } from '../support/jobs.ts';
import { hire } from '../support/people.ts';
import type { Source } from '../../src/sources/sources.ts';
import { checksumOf } from '../../src/storage/open.ts';
import {
  addDataset,
  addSource,
  emptyStorage,
  linesIn,
  objectsIn,
  ops,
  runSourceNow,
  runToEnd,
  usePublisher,
  useSources,
} from '../support/sources.ts';

const world = useSources();
const publisher = usePublisher();
beforeEach(() => emptyStorage(world));

const names = ['cities-2024.csv', 'cities-2025.csv', 'cities-2026.csv'];
const path = (name: string) => `/files/cities/${name}`;
const publish = (name: string, content: string | Buffer) =>
  publisher.files.set(path(name), { content: Buffer.from(content) });
/** A CSV file with the same columns as the publisher’s files about cities. */
const table = 'city,country,population,area_km2,counted_on\r\nPune,IN,1,2.50,2027-06-30\r\n';
const gets = (part = '/files/') =>
  publisher.requests.filter(({ method, path: at }) => method === 'GET' && at.includes(part));

const differing = async (source: Source) =>
  (await linesOf(world.staging.sql, source)).filter(differsAtSource).map((line) => line.file_name);

test('S3-02 S3-31 S3-32 S3-33 S3-41 a run of a data source fetches every listed file that is not stored yet, and stores its bytes unchanged', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  const { job, report } = await runSourceNow(staging, source);
  expect(job).toMatchObject({ state: 'done', problem: null });
  expect(report).toMatchObject({ found: 3, fetched: 3, failed: 0, differing: 0, failures: [] });
  const lines = await linesIn(staging);
  expect(lines.map((line) => line.file_name)).toEqual(names);
  for (const line of lines) {
    const content = publisher.files.get(path(line.file_name))?.content ?? Buffer.of();
    expect(await checksumOf(staging.storage, line.object)).toBe(line.sha256);
    expect([line.size, line.sha256.slice(0, 20)]).toEqual([content.length, etagOf(content)]);
  }
});

test('S3-34 S3-35 S3-40 a second run of a data source fetches and loads nothing when the source lists no new file', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  const first = await runSourceNow(staging, source);
  expect(first.report).toMatchObject({ loaded: 3 });
  const before = await linesIn(staging);
  publisher.requests.length = 0;
  const { report } = await runSourceNow(staging, source);
  expect(report).toMatchObject({ found: 3, fetched: 0, loaded: 0, failed: 0 });
  expect(publisher.requests.map((one) => one.path)).toEqual(['/cities.json']);
  expect(await linesIn(staging)).toEqual(before);
});

test('when the data source lists one new file, the next run fetches and loads only that file', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  await runSourceNow(staging, source);
  publish('cities-2027.csv', table);
  publisher.requests.length = 0;
  const { report } = await runSourceNow(staging, source);
  expect(report).toMatchObject({ found: 4, fetched: 1, loaded: 1 });
  expect(gets().map((one) => one.path)).toEqual([path('cities-2027.csv')]);
});

test('S3-67 a missing file and an unreadable file of a data source fail, and the run still loads the other files', async () => {
  const { staging } = world;
  publisher.faults.set(path('cities-2024.csv'), { name: 'not-found' });
  publish('cities-2025-broken.csv', '<!doctype html><title>503</title>');
  const source = await addSource(staging, publisher);
  const { job, report } = await runSourceNow(staging, source);
  expect(job.state).toBe('done');
  expect(report).toMatchObject({ found: 4, fetched: 3, loaded: 2, failed: 2 });
  expect(report?.failures).toMatchObject([
    { name: 'cities-2024.csv', reason: 'status' },
    { name: 'cities-2025-broken.csv', reason: 'load' },
  ]);
  publisher.faults.clear();
  expect((await runSourceNow(staging, source)).report).toMatchObject({
    fetched: 1,
    loaded: 1,
    failed: 0,
  });
});

test('when a nightly run of a data source could not load a file, data managers get one message for the run', async () => {
  const { staging } = world;
  await hire(staging, 'dana');
  publish('cities-2025-broken.csv', '<!doctype html><title>503</title>');
  const source = await addSource(staging, publisher);
  const { job } = await requestRun(staging.sql, source, 'schedule');
  await runToEnd(staging, job);
  const messages = await select<{ text: string; href: string }>(
    staging.sql,
    sql`select text, href from message where person = 'dana@example.com'`,
  );
  expect(messages).toMatchObject([{ href: `/sources/${source.id}` }]);
  expect(messages[0]?.text).toMatch(/1 file failed\. cities-2025-broken\.csv: .*fetch it again\.$/);
});

test.each([
  ['not-found', 'status'],
  ['error', 'status'],
  ['cut', 'cut'],
  ['short', 'cut'],
  ['silent', 'silent'],
  ['mute', 'silent'],
  ['endless', 'too-large'],
  ['bomb', 'too-large'],
  ['unsized', 'cut'],
  ['drip', 'slow'],
] as const)(
  'a run of a data source stores no part of a file when the publisher’s server has the fault “%s” while sending it',
  async (name, reason) => {
    const { staging } = world;
    const source = await addSource(staging, publisher);
    publisher.faults.set(path('cities-2025.csv'), { name });
    if (name === 'drip') deadlines.file = 300;
    const { report } = await runSourceNow(staging, source);
    expect(report).toMatchObject({ fetched: 2, failures: [{ name: 'cities-2025.csv', reason }] });
    expect(await objectsIn(staging)).toHaveLength(2);
    expect((await linesIn(staging)).map((line) => line.file_name)).not.toContain('cities-2025.csv');
  },
);

test('a run of a data source that is cancelled during a download stops and stores nothing of that file', async () => {
  const { staging } = world;
  publisher.faults.set(path('cities-2025.csv'), { name: 'drip' });
  const source = await addSource(staging, publisher);
  const { job } = await requestRun(staging.sql, source, ops);
  const ended = runToEnd(staging, job);
  await until(async () => gets('2025').length > 0);
  await cancel(staging, tasks, job, ops);
  expect((await ended).job.state).toBe('cancelled');
  expect(await objectsIn(staging)).toHaveLength(1);
});

test('when a process stops while it downloads from a data source, another process can continue its run', async () => {
  const { staging } = world;
  publisher.faults.set(path('cities-2025.csv'), { name: 'drip', times: 1 });
  const source = await addSource(staging, publisher);
  const { job } = await requestRun(staging.sql, source, ops);
  const stopping = { ...staging, halt: new AbortController() };
  const ended = runToEnd(stopping, job);
  await until(async () => gets('2025').length > 0);
  stopping.halt.abort();
  expect((await ended).job.state).toBe('waiting');
  expect(await objectsIn(staging)).toHaveLength(1);
  expect((await runToEnd(staging, job)).report).toMatchObject({ fetched: 3, failed: 0 });
});

test('a run of a data source tries a download again after a temporary fault, and stores all files', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  publisher.faults.set(path('cities-2024.csv'), { name: 'cut', times: 1 });
  publisher.faults.set(path('cities-2025.csv'), { name: 'error', times: 2 });
  publisher.faults.set(path('cities-2026.csv'), { name: 'slow' });
  const { report } = await runSourceNow(staging, source);
  expect(report).toMatchObject({ fetched: 3, failed: 0 });
});

test('a run of a data source refuses a file whose announced size exceeds the limit, without downloading the file', async () => {
  const { staging } = world;
  publish('cities-2030.csv', Buffer.alloc(2_000_001, 'x'));
  publish('cities-2031.csv', Buffer.alloc(2_000_000, 'x'));
  const { report } = await runSourceNow(staging, await addSource(staging, publisher));
  expect(report?.fetched).toBe(4);
  expect(report?.failures[0]).toMatchObject({ name: 'cities-2030.csv', reason: 'too-large' });
});

test('a run of a data source is tried again later if the publisher’s list of files is unavailable, and fails if that list is invalid', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  publisher.faults.set('/cities.json', { name: 'error', times: 1 });
  const first = await runSourceNow(staging, source);
  expect(first.job).toMatchObject({ state: 'waiting' });
  await run(staging.sql, sql`update job set run_at = utc_timestamp(3) - interval 1 minute`);
  expect((await runToEnd(staging, first.job)).job.state).toBe('done');
  const wrong = await addSource(staging, publisher, { name: 'Wrong', options: { path: 'files' } });
  const { job } = await runSourceNow(staging, wrong);
  expect(job.state).toBe('failed');
  expect(job.problem).toContain('“files” in the index is no list');
});

test('S3-65 a run of a data source reports a stored file that the publisher has changed since, but does not fetch it again', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  await runSourceNow(staging, source);
  const before = await linesIn(staging);
  publish('cities-2025.csv', table);
  publisher.requests.length = 0;
  const { report } = await runSourceNow(staging, source);
  expect(report).toMatchObject({ fetched: 0, loaded: 0, differing: 1 });
  expect(gets()).toEqual([]);
  expect(await linesIn(staging)).toEqual(before);
  expect(await differing(source)).toEqual(['cities-2025.csv']);
});

test('S3-65 when a person fetches a changed file again, the new content is stored as fetch 2 beside the old content, fetch 1', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  await runSourceNow(staging, source);
  publish('cities-2025.csv', table);
  await runSourceNow(staging, source);
  const [, file] = await linesOf(staging.sql, source);
  if (!file) throw new Error('There is no line');
  const { job } = await requestRefetch(staging.sql, source, file, ops);
  const { report } = await runToEnd(staging, job);
  expect(report).toMatchObject({ fetched: 1, loaded: 1, failed: 0, differing: 0 });
  const lines = (await linesIn(staging)).filter((line) => line.file_name === 'cities-2025.csv');
  expect(lines.map(({ fetch_number: fetch, state }) => [fetch, state])).toEqual([
    [1, 'processed'],
    [2, 'processed'],
  ]);
  for (const line of lines)
    expect(await checksumOf(staging.storage, line.object)).toBe(line.sha256);
  expect((await runSourceNow(staging, source)).report).toMatchObject({ fetched: 0, differing: 0 });
});

test('a request to fetch a file again is refused while a run of its data source is active', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  await runSourceNow(staging, source);
  const [file] = await linesOf(staging.sql, source);
  if (!file) throw new Error('There is no line');
  await requestRefetch(staging.sql, source, file, ops);
  await expect(requestRefetch(staging.sql, source, file, ops)).rejects.toMatchObject({
    status: 409,
  });
});

test('a stored file does not count as changed by the publisher when only the size in the publisher’s list of files differs', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher, {
    options: { path: 'result.files', url: 'href', name: 'title', size: 'title', etag: '' },
  });
  await runSourceNow(staging, source);
  expect((await runSourceNow(staging, source)).report).toMatchObject({ differing: 0 });
});

test('after a stored file was lost, the next run of a data source fetches the file again but does not load its rows twice', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  await runSourceNow(staging, source);
  const before = await linesIn(staging);
  await staging.storage.delete(before[1]?.object ?? '');
  const { report } = await runSourceNow(staging, source);
  expect(report).toMatchObject({ loaded: 0, failed: 0 });
  expect(await objectsIn(staging)).toHaveLength(3);
  expect(await linesIn(staging)).toEqual(before);
});

test.each([
  ['html-index', '/rainfall/', { pattern: '*.csv' }, 10],
  ['ckan', '/', { package: 'ridership' }, 2],
] as const)(
  'S3-40 a second run of a data source of the kind %s fetches nothing, and recognises a changed file by its HTTP headers',
  async (kind, index, options, count) => {
    const { staging } = world;
    const dataset = String(await addDataset(staging, 'others', { mode: 'append' }));
    const url = `${publisher.url}${index}`;
    const source = await addSource(staging, publisher, { kind, url, options, dataset });
    expect((await runSourceNow(staging, source)).report).toMatchObject({
      found: count,
      fetched: count,
    });
    publisher.requests.length = 0;
    expect((await runSourceNow(staging, source)).report).toMatchObject({
      fetched: 0,
      loaded: 0,
      differing: 0,
    });
    expect(gets()).toEqual([]);
    const [changed = ''] = [...publisher.files.keys()].filter((one) =>
      one.includes(kind === 'ckan' ? 'ridership' : 'rainfall'),
    );
    const { content } = publisher.files.get(changed) ?? { content: Buffer.of() };
    publisher.files.set(changed, {
      content: Buffer.from(content.toString().replace(/20\d\d-/, '2030-')),
    });
    const { report } = await runSourceNow(staging, source);
    expect(report).toMatchObject({ fetched: 0, differing: 1 });
    expect(gets()).toEqual([]);
  },
);

test('a run of a data source reports duplicate names and missing or too long URLs in the publisher’s list, and fetches the other files', async () => {
  const { staging } = world;
  publisher.files.set('/twice.json', {
    content: Buffer.from(
      JSON.stringify([
        { name: 'a.csv', url: path('cities-2024.csv') },
        { name: 'a.csv', url: path('cities-2025.csv') },
        { name: 'b.csv' },
        { name: 'd.csv', url: `${path('cities-2026.csv')}?${'x'.repeat(2000)}` },
        { name: 'c.csv', url: path('cities-2026.csv') },
      ]),
    ),
  });
  const source = await addSource(staging, publisher, {
    url: `${publisher.url}/twice.json`,
    options: {},
  });
  const { report } = await runSourceNow(staging, source);
  expect(report).toMatchObject({ fetched: 2, failed: 3 });
  expect(report?.failures).toMatchObject([
    { name: 'a.csv', reason: 'name' },
    { name: 'd.csv', reason: 'name' },
    { name: 'b.csv', reason: 'host' },
  ]);
});

test('a run of a data source is retried later if the server no longer responds, but continues if only single files get no response', async () => {
  const { staging } = world;
  // This limit must be longer than a working data source takes to respond on a busy machine, which may be a tenth of a
  // second.
  deadlines.silence = 300;
  publisher.files.clear();
  const names = Array.from({ length: 12 }, (_one, index) => `part-${10 + index}.csv`);
  for (const name of names) publish(name, table);
  for (const name of names.slice(0, 11)) publisher.faults.set(path(name), { name: 'mute' });
  const source = await addSource(staging, publisher);
  const alone = await runSourceNow(staging, source);
  expect(alone.job.state).toBe('done');
  expect(alone.report).toMatchObject({ fetched: 1, failed: 11 });
  publisher.faults.set(path('part-10.csv'), { name: 'mute', times: 3 });
  const { job } = await requestRun(staging.sql, source, ops);
  const ended = runToEnd(staging, job);
  await until(async () => gets('part-11').length > 3);
  publisher.faults.set('/cities.json', { name: 'mute' });
  expect((await ended).job).toMatchObject({ state: 'waiting' });
  publisher.faults.clear();
  await run(staging.sql, sql`update job set run_at = utc_timestamp(3) - interval 1 minute`);
  expect((await runToEnd(staging, job)).report).toMatchObject({ fetched: 11, failed: 0 });
});

test('the page of a run of a data source shows one step for fetching all files and one step for loading all files', async () => {
  const { staging } = world;
  const { job } = await runSourceNow(staging, await addSource(staging, publisher));
  const steps = await stepsOf(staging.sql, job.id);
  expect(steps.map(({ name, state }) => [name, state])).toEqual([
    ['Fetch new files', 'done'],
    ['Load them', 'done'],
  ]);
});

test('a run of a data source loads files in the order of their names, with numbers sorted by value', async () => {
  const { staging } = world;
  publisher.files.clear();
  for (const number of [10, 9, 2]) publish(`part-${number}.csv`, `n\n${number}\n`);
  await runSourceNow(staging, await addSource(staging, publisher));
  expect((await linesIn(staging)).map((line) => line.file_name)).toEqual([
    'part-2.csv',
    'part-9.csv',
    'part-10.csv',
  ]);
});
