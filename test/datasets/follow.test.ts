// Tests the periodic checks of data files: files whose job ended are marked as failed, unchecked uploads end, and
// unneeded rows are deleted.
import { beforeEach, describe, expect, test } from 'vitest';
import { run, sql } from '../../src/database/sql.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { followDatafiles } from '../../src/datasets/follow.ts';
import { purgeBeforeLoad, purgeUnused, purgeVersions } from '../../src/datasets/purge.ts';
import * as registry from '../../src/datasets/registry.ts';
import type { Datafile } from '../../src/datasets/registry.ts';
import * as reloading from '../../src/datasets/reloading.ts';
import * as uploads from '../../src/datasets/uploads.ts';
import * as versions from '../../src/datasets/versions.ts';
import { cancel } from '../../src/jobs/cancel.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { Unavailable } from '../../src/problems.ts';
import { tasks } from '../../src/tasks.ts';
import {
  addDataset,
  confirm,
  load,
  rowsOf,
  runJobs,
  storedRows,
  upload,
} from '../support/datasets.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let cities: Dataset;

beforeEach(async () => {
  cities = await addDataset(world.staging);
});

const content = 'name,people\nPune,7\nLyon,5\n';
const now = ({ id }: Pick<Datafile, 'id'>) => registry.known(world.staging.sql, id);
const uploadOf = ({ id }: Datafile) => uploads.ofDatafile(world.staging.sql, id);

/** Runs all attempts of a job, as workers would do over several hours. */
async function runToTheEnd(id: string, here = world.staging) {
  for (;;) {
    const job = await runJob(here, tasks, id);
    if (!job || !jobs.isLive(job)) return job;
    await run(here.sql, sql`update job set run_at = utc_timestamp(3) where id = ${id}`);
  }
}

describe('what happens to a data file when the job that examines or loads it fails or is cancelled', () => {
  test('S3-63 a data file fails after 20 attempts to load it while the file storage is down, and can be loaded when the storage works again', async () => {
    const file = await upload(world.staging, cities, content);
    const { id } = await confirm(world.staging, file);
    const away = () => Promise.reject(new Unavailable('The storage folder /data does not exist.'));
    const without = { ...world.staging, storage: { ...world.staging.storage, read: away } };
    expect(await runToTheEnd(id, without)).toMatchObject({ state: 'failed', attempt: 20 });
    expect(await now(file)).toMatchObject({ state: 'processing' });
    await followDatafiles(world.staging);
    const failed = await now(file);
    expect(failed).toMatchObject({ state: 'failed', reason: 'other' });
    expect(failed.error_message).toContain('storage folder /data');
    expect(await uploadOf(file)).toMatchObject({ state: 'failed' });
    await reloading.loadAgain(world.staging, 'dana@example.com', failed);
    await runJobs(world.staging);
    await confirm(world.staging, file);
    await runJobs(world.staging);
    expect(await rowsOf(world.staging, cities)).toHaveLength(2);
    expect(await uploadOf(file)).toMatchObject({ state: 'completed' });
  }, 30_000);

  test('a data file whose load is cancelled fails, and the reason names the person who cancelled it', async () => {
    const file = await upload(world.staging, cities, content);
    const job = await confirm(world.staging, file);
    await cancel(world.staging, tasks, job, 'dana@example.com');
    await followDatafiles(world.staging);
    const failed = await now(file);
    expect(failed).toMatchObject({ state: 'failed' });
    expect(failed.error_message).toBe('Cancelled by dana@example.com.');
    expect(await rowsOf(world.staging, cities)).toEqual([]);
  });

  test('a data file that a newer job examines does not fail because an earlier job was cancelled', async () => {
    const file = await upload(world.staging, cities, content);
    const job = await confirm(world.staging, file);
    await cancel(world.staging, tasks, job, 'dana@example.com');
    await followDatafiles(world.staging);
    await reloading.loadAgain(world.staging, 'dana@example.com', await now(file));
    await followDatafiles(world.staging);
    expect(await now(file)).toMatchObject({ state: 'processing', error_message: null });
  });

  test('a loaded data file stays processed even if its job is marked as failed', async () => {
    const file = await load(world.staging, cities, content);
    await run(world.staging.sql, sql`update job set state = 'failed' where id = ${file.job}`);
    await followDatafiles(world.staging);
    expect(await now(file)).toMatchObject({ state: 'processed' });
  });
});

test('an upload that nobody checks for seven days fails, but its stored file is kept', async () => {
  const file = await upload(world.staging, cities, content);
  await run(world.staging.sql, sql`update upload set changed_at = changed_at - interval 6 day`);
  await followDatafiles(world.staging);
  expect(await now(file)).toMatchObject({ state: 'processing' });
  await run(world.staging.sql, sql`update upload set changed_at = changed_at - interval 2 day`);
  await followDatafiles(world.staging);
  expect(await now(file)).toMatchObject({ state: 'failed', reason: 'unchecked' });
  expect((await now(file)).error_message).toContain('7 days');
  expect(await world.staging.storage.find(file.object)).not.toBeNull();
});

describe('deleting the rows that no dataset version needs', () => {
  const loadOne = async (name: string) => load(world.staging, cities, `name\n${name}\n`);
  const purged = async () =>
    (await versions.list(world.staging.sql, cities.id))
      .filter(({ purged_at: at }) => at !== null)
      .map(({ number }) => number);

  test('the hourly purge deletes the rows of old dataset versions, but never the rows of an old version that was restored as current', async () => {
    await run(world.staging.sql, sql`update dataset set keep_versions = 2`);
    const files = [];
    for (const name of ['a', 'b', 'c', 'd']) files.push(await loadOne(name));
    await versions.restore(world.staging, 'dana@example.com', {
      dataset: cities.id,
      number: 1,
      seen: 4,
      reason: 'It was right',
    });
    expect(await purgeVersions(world.staging)).toBe(1);
    expect(await purged()).toEqual([2]);
    const left = await Promise.all(files.map((file) => storedRows(world.staging, file)));
    expect(left).toEqual([1, 0, 1, 1]);
    expect(await rowsOf(world.staging, cities)).toEqual([['a']]);
    expect(await purgeVersions(world.staging)).toBe(0);
  });

  test('a dataset version whose rows were deleted cannot be restored, but its data file can be loaded again as a new version', async () => {
    await run(world.staging.sql, sql`update dataset set keep_versions = 1`);
    const first = await loadOne('a');
    await loadOne('b');
    await purgeVersions(world.staging);
    const restoring = versions.restore(world.staging, 'dana@example.com', {
      dataset: cities.id,
      number: 1,
      seen: 2,
      reason: 'x',
    });
    await expect(restoring).rejects.toMatchObject({ status: 409 });
    const { file } = await reloading.loadAgain(world.staging, 'dana@example.com', await now(first));
    await runJobs(world.staging);
    await confirm(world.staging, file);
    await runJobs(world.staging);
    expect(await rowsOf(world.staging, cities)).toEqual([['a']]);
  });

  test('the hourly purge keeps the rows of a data file as long as one version of its dataset (in mode append) contains the file', async () => {
    const log = await addDataset(world.staging, { name: 'log', mode: 'append', keepVersions: '1' });
    const january = await load(world.staging, log, 'name\na\n', 'january.csv');
    await load(world.staging, log, 'name\nb\n', 'february.csv');
    await purgeVersions(world.staging);
    expect(await storedRows(world.staging, january)).toBe(1);
    expect(await rowsOf(world.staging, log)).toEqual([['a'], ['b']]);
  });

  test('the hourly purge deletes the rows of a data file whose load failed, but not of a file that is still being processed', async () => {
    const file = await upload(world.staging, cities, content);
    await run(world.staging.sql, sql`insert into data_row values (${file.id}, 1, '["x",1]')`);
    await purgeVersions(world.staging);
    expect(await storedRows(world.staging, file)).toBe(1);
    await registry.fail(world.staging.sql, file, { reason: 'other', message: 'It broke' });
    await purgeVersions(world.staging);
    expect(await storedRows(world.staging, file)).toBe(0);
  });

  test('deleting unneeded rows keeps the rows of a data file that is in a dataset version, or that is still being processed', async () => {
    const file = await load(world.staging, cities, content);
    await purgeUnused(world.staging, file.id);
    expect(await storedRows(world.staging, file)).toBe(2);
    const waiting = await upload(world.staging, cities, content);
    await run(world.staging.sql, sql`insert into data_row values (${waiting.id}, 1, '["x",1]')`);
    await purgeUnused(world.staging, waiting.id);
    expect(await storedRows(world.staging, waiting)).toBe(1);
  });

  test('a load that begins does not delete rows that another worker has stored for the same data file', async () => {
    const file = await upload(world.staging, cities, content);
    await run(world.staging.sql, sql`insert into data_row values (${file.id}, 1, '["x",1]')`);
    const what = sql`loaded_line = 2, loaded_rows = 1`;
    await registry.change(world.staging.sql, file, ['processing'], what);
    await purgeBeforeLoad(world.staging, file.id);
    expect(await storedRows(world.staging, file)).toBe(1);
  });
});

test('S3-41 the hourly purge deletes the rows of a data file that no dataset version needs, but keeps the stored file', async () => {
  await run(world.staging.sql, sql`update dataset set keep_versions = 1`);
  const file = await load(world.staging, cities, content);
  await load(world.staging, cities, content);
  await purgeVersions(world.staging);
  expect(await storedRows(world.staging, file)).toBe(0);
  expect(await world.staging.storage.find(file.object)).toMatchObject({ size: content.length });
});
