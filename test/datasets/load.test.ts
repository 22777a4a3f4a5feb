// Tests loading data files: rows, rejects and versions, and files that are damaged, changed or missing.
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { run, select, sql } from '../../src/database/sql.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { examinationOf } from '../../src/datasets/examination.ts';
import { loadFile } from '../../src/datasets/load.ts';
import { purgeVersions } from '../../src/datasets/purge.ts';
import * as registry from '../../src/datasets/registry.ts';
import * as reloading from '../../src/datasets/reloading.ts';
import * as datasetRows from '../../src/datasets/rows.ts';
import * as uploads from '../../src/datasets/uploads.ts';
import * as versions from '../../src/datasets/versions.ts';
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

const csv = (...lines: string[]) => lines.map((line) => `${line}\n`).join('');
const three = csv('name,people', 'Pune,7', 'Lyon,5', 'Łódź,');

describe('loading a valid data file', () => {
  test('S3-03 S3-35 S3-66 an uploaded data file becomes the current version of its dataset with every cell unchanged', async () => {
    const file = await load(world.staging, cities, three);
    expect(file).toMatchObject({ state: 'processed', error_message: null });
    expect(await rowsOf(world.staging, cities)).toEqual([
      ['Pune', 7],
      ['Lyon', 5],
      ['Łódź', null],
    ]);
    const [version] = await versions.list(world.staging.sql, cities.id);
    expect(version).toMatchObject({ number: 1, row_count: 3 });
    expect(version?.columns.map(({ name, type }) => [name, type])).toEqual([
      ['name', 'text'],
      ['people', 'integer'],
    ]);
  });

  test('S3-64 an upload passes through the states uploaded, verified and completed', async () => {
    const file = await upload(world.staging, cities, three);
    const state = async () => (await uploads.ofDatafile(world.staging.sql, file.id))?.state;
    expect(await state()).toBe('uploaded');
    await confirm(world.staging, file);
    expect(await state()).toBe('verified');
    await runJobs(world.staging);
    expect(await state()).toBe('completed');
  });

  test('S3-63 a load counts each line of a data file as row, rejected, header or empty, and stores why a line was rejected', async () => {
    const file = await load(
      world.staging,
      cities,
      csv('name,people', 'Pune,7', 'Lyon,5,6', '', 'Łódź,8', '"broken,9', 'Oslo,1'),
    );
    const counts = registry.countsOf(file);
    expect(counts).toMatchObject({ lines: 7, header: 1, rows: 3, rejects: 2, empty: 1 });
    const rejects = await select(
      world.staging.sql,
      sql`select line, reason from data_reject where datafile = ${file.id} order by line`,
    );
    expect(rejects).toEqual([
      { line: 3, reason: 'cells' },
      { line: 6, reason: 'quotes' },
    ]);
  });

  test('S3-66 until the last commit of a data file’s load, readers see the former dataset version and no new row', async () => {
    await load(world.staging, cities, three);
    const file = await upload(world.staging, cities, csv('name,people', 'Oslo,1'));
    const job = await confirm(world.staging, file);
    // Simulates a worker that has stored the rows and died just before the last commit.
    await run(world.staging.sql, sql`insert into data_row values (${file.id}, 1, '["Oslo",1]')`);
    expect(await rowsOf(world.staging, cities)).toHaveLength(3);
    expect(job.state).toBe('waiting');
  });

  test('a gzip file is loaded, and its checksum is that of the compressed file', async () => {
    const file = await load(world.staging, cities, gzipSync(three), 'cities.csv.gz');
    expect(file).toMatchObject({ state: 'processed', error_message: null });
    expect(await rowsOf(world.staging, cities)).toHaveLength(3);
  });

  test('running the job that loads a data file a second time changes nothing', async () => {
    const file = await load(world.staging, cities, three);
    const work = { here: world.staging, job: { id: file.job } as never, report: async () => {} };
    expect(await loadFile(work, file.id)).toMatchObject({ state: 'processed', version: 1 });
    expect(await versions.list(world.staging.sql, cities.id)).toHaveLength(1);
  });
});

describe('the database schema after data files were loaded', () => {
  const tables = async () =>
    (
      await select<{ name: string }>(
        world.staging.sql,
        sql`select table_name as name from information_schema.tables where table_schema = database()`,
      )
    )
      .map(({ name }) => name)
      .toSorted();

  test('S3-54 S3-68 loading data files with new columns creates no table, so that every environment has the same schema', async () => {
    const before = await tables();
    await load(world.staging, cities, three);
    const other = await addDataset(world.staging, { name: 'other' });
    await load(world.staging, other, csv('`drop table`;a;b', '1;2;3'));
    expect(await tables()).toEqual(before);
    expect(before).toContain('operations_datafile_registry');
  });
});

describe('which rows the current version of a dataset has', () => {
  test('S3-01 a dataset in mode replace has only the rows of its newest data file', async () => {
    await load(world.staging, cities, three);
    await load(world.staging, cities, csv('name,people', 'Oslo,1'));
    expect(await rowsOf(world.staging, cities)).toEqual([['Oslo', 1]]);
    expect(await rowsOf(world.staging, cities, 1)).toHaveLength(3);
  });

  test('a dataset in mode append keeps the rows of earlier data files, and numbers all rows without gaps', async () => {
    const log = await addDataset(world.staging, { name: 'log', mode: 'append' });
    await load(world.staging, log, three, 'january.csv');
    await load(world.staging, log, csv('name,people', 'Oslo,1'), 'february.csv');
    expect(await rowsOf(world.staging, log)).toHaveLength(4);
    const all = await datasetRows.page(
      world.staging.sql,
      { dataset: log.id, version: 2 },
      { from: 3, limit: 10 },
    );
    expect(all.map(({ id }) => id)).toEqual([3, 4]);
  });

  test('a data file that is loaded again into a dataset in mode append replaces its former rows, so no row is duplicated', async () => {
    const log = await addDataset(world.staging, { name: 'log', mode: 'append' });
    const january = await load(world.staging, log, three, 'january.csv');
    await load(world.staging, log, csv('name,people', 'Oslo,1'), 'february.csv');
    const { file } = await reloading.loadAgain(world.staging, 'dana@example.com', january);
    await runJobs(world.staging);
    await confirm(world.staging, file);
    await runJobs(world.staging);
    const names = (await rowsOf(world.staging, log)).map(([name]) => name);
    expect(names).toEqual(['Pune', 'Lyon', 'Łódź', 'Oslo']);
  });

  test('restoring a dataset version makes its rows current again and writes the reason to the audit log', async () => {
    await load(world.staging, cities, three);
    await load(world.staging, cities, csv('name,people', 'Oslo,1'));
    await versions.restore(world.staging, 'dana@example.com', {
      dataset: cities.id,
      number: 1,
      seen: 2,
      reason: 'Half of it was missing',
    });
    expect(await rowsOf(world.staging, cities)).toHaveLength(3);
    const [line] = await select(
      world.staging.sql,
      sql`select detail from audit where action = 'restored a version'`,
    );
    expect(line).toEqual({ detail: 'Version 1 instead of 2: Half of it was missing' });
  });

  test('restoring a dataset version is refused if another version became current after the page was shown', async () => {
    await load(world.staging, cities, three);
    await load(world.staging, cities, csv('name,people', 'Oslo,1'));
    await load(world.staging, cities, csv('name,people', 'Rome,2'));
    const restoring = versions.restore(world.staging, 'dana@example.com', {
      dataset: cities.id,
      number: 1,
      seen: 2,
      reason: 'Late',
    });
    await expect(restoring).rejects.toMatchObject({ status: 409 });
  });

  test('the hourly purge deletes the rows of old dataset versions, but not of a version that a client is reading', async () => {
    const few = await addDataset(world.staging, { name: 'few', keepVersions: '1' });
    const first = await load(world.staging, few, three);
    const second = await load(world.staging, few, csv('name,people', 'Oslo,1'));
    await load(world.staging, few, csv('name,people', 'Rome,2'));
    await datasetRows.noteRead(world.staging.sql, { dataset: few.id, version: 2 });
    await purgeVersions(world.staging);
    expect(await storedRows(world.staging, first)).toBe(0);
    expect(await storedRows(world.staging, second)).toBe(1);
    expect(await rowsOf(world.staging, few)).toEqual([['Rome', 2]]);
    await expect(rowsOf(world.staging, few, 1)).rejects.toMatchObject({ status: 410 });
  });
});

describe('data files with other columns than their dataset in mode append', () => {
  test('a data file with different columns is refused in mode append even if a person accepted them, because old rows would get wrong column names', async () => {
    const log = await addDataset(world.staging, { name: 'log', mode: 'append' });
    await load(world.staging, log, csv('name,people', 'Pune,7'), 'january.csv');
    const file = await load(
      world.staging,
      log,
      csv('country,name,people', 'NO,Oslo,1'),
      'february.csv',
    );
    expect(file).toMatchObject({ state: 'failed', reason: 'columns-mixed' });
    expect(file.error_message).toMatch(/1 other file would stand under the wrong names/);
    expect(await rowsOf(world.staging, log)).toEqual([['Pune', 7]]);
    expect(await versions.list(world.staging.sql, log.id)).toHaveLength(1);
  });

  test('the only data file of a dataset in mode append can be loaded again with different columns', async () => {
    const log = await addDataset(world.staging, { name: 'log', mode: 'append' });
    const file = await load(world.staging, log, csv('a,b', '1,2', '3,4'));
    const again = await reloading.loadAgain(world.staging, 'dana@example.com', file);
    await runJobs(world.staging);
    const choices = { headerLine: null };
    await reloading.chooseReading(world.staging, 'dana@example.com', { file: again.file, choices });
    await runJobs(world.staging);
    await confirm(world.staging, again.file);
    await runJobs(world.staging);
    expect(await rowsOf(world.staging, log)).toEqual([
      ['a', 'b'],
      ['1', '2'],
      ['3', '4'],
    ]);
  });
});

describe('data files that do not fit their dataset', () => {
  test('a data file that was fetched from a data source fails if it has new columns, and is loaded after a person accepts them', async () => {
    await load(world.staging, cities, three);
    const file = await upload(world.staging, cities, csv('name,inhabitants', 'Oslo,1'));
    await run(
      world.staging.sql,
      sql`insert into source (id, name, kind, url, options, hosts, dataset, cron, created_by, created_at)
          values (1, 'Office', 'json-index', 'http://localhost', '{}', '[]', ${cities.id}, '0 2 * * *', 'ops',
            utc_timestamp(3))`,
    );
    await run(
      world.staging.sql,
      sql`update operations_datafile_registry set source = 1, job = null where id = ${file.id}`,
    );
    const job = { id: '0192f0c0-0000-7000-8000-000000000000' } as never;
    const work = { here: world.staging, job, report: async () => {} };
    expect(await loadFile(work, file.id)).toMatchObject({ state: 'failed', version: null });
    const failed = await registry.known(world.staging.sql, file.id);
    expect(failed.reason).toBe('columns-differ');
    await reloading.acceptColumns(world.staging, 'dana@example.com', failed);
    await runJobs(world.staging);
    expect(await rowsOf(world.staging, cities)).toEqual([['Oslo', 1]]);
  });

  test('an upload that failed because of new columns is completed after a person accepts the columns', async () => {
    await load(world.staging, cities, three);
    const file = await upload(world.staging, cities, csv('name,inhabitants', 'Oslo,1'));
    const { reading } = examinationOf(file) ?? {};
    if (!reading) throw new Error('it was not examined');
    // Simulates that another file became the current version after this file was checked.
    const job = { file, reading, acceptsColumns: false };
    await reloading.confirm(world.staging, 'dana@example.com', job);
    await runJobs(world.staging);
    const failed = await registry.known(world.staging.sql, file.id);
    expect(failed.reason).toBe('columns-differ');
    await reloading.acceptColumns(world.staging, 'dana@example.com', failed);
    await runJobs(world.staging);
    expect(await rowsOf(world.staging, cities)).toEqual([['Oslo', 1]]);
    expect((await uploads.ofDatafile(world.staging.sql, file.id))?.state).toBe('completed');
  });

  test('a column of local times counts as different from a column of UTC times', async () => {
    await load(world.staging, cities, csv('at', '2024-01-01T10:00:00Z', '2024-01-02T10:00:00Z'));
    const file = await upload(world.staging, cities, csv('at', '2024-01-03T10:00:00'));
    expect(examinationOf(file)?.differing).toEqual([
      '“at” is timestamp (local) instead of timestamp (UTC)',
    ]);
  });

  test.each(['__proto__', 'constructor', 'toString'])(
    'a column called %s keeps the type that a person chose, also in the next version',
    async (name) => {
      const first = await upload(world.staging, cities, csv(`${name},b`, '1,2', '3,4'));
      const choices = JSON.parse(`{"types":{"${name}":{"type":"text","format":null}}}`);
      await reloading.chooseReading(world.staging, 'dana@example.com', { file: first, choices });
      await runJobs(world.staging);
      await confirm(world.staging, first);
      await runJobs(world.staging);
      await load(world.staging, cities, csv(`${name},b`, '5,6'));
      expect(await rowsOf(world.staging, cities, 1)).toEqual([
        ['1', 2],
        ['3', 4],
      ]);
      expect(await rowsOf(world.staging, cities, 2)).toEqual([['5', 6]]);
    },
  );

  test('a text column stays text if a new data file has only numbers in that column', async () => {
    await load(world.staging, cities, csv('code,name', 'A1,Pune', '07,Lyon'));
    await load(world.staging, cities, csv('code,name', '11,Oslo'));
    expect(await rowsOf(world.staging, cities)).toEqual([['11', 'Oslo']]);
  });

  test('S3-41 a data file whose stored content was changed is not loaded, and fails with a checksum error', async () => {
    const file = await upload(world.staging, cities, three);
    await confirm(world.staging, file);
    await world.staging.storage.put(file.object, Buffer.from(three.replace('Pune', 'Pisa')));
    await runJobs(world.staging);
    expect(await registry.known(world.staging.sql, file.id)).toMatchObject({
      state: 'failed',
      reason: 'object-changed',
    });
    expect(await rowsOf(world.staging, cities)).toEqual([]);
  });

  test('S3-41 a failed data file can be loaded again from storage without being uploaded again', async () => {
    const file = await upload(world.staging, cities, three);
    await confirm(world.staging, file);
    const content = Buffer.from(three);
    await world.staging.storage.delete(file.object);
    await runJobs(world.staging);
    const failed = await registry.known(world.staging.sql, file.id);
    expect(failed).toMatchObject({ state: 'failed', reason: 'object-missing' });
    await world.staging.storage.put(file.object, content);
    await reloading.loadAgain(world.staging, 'dana@example.com', failed);
    await runJobs(world.staging);
    await confirm(world.staging, file);
    await runJobs(world.staging);
    expect(await rowsOf(world.staging, cities)).toHaveLength(3);
  });

  test.each([
    ['a PDF file', Buffer.from('%PDF-1.7\n')],
    ['a web page', Buffer.from('<!DOCTYPE html><html><body>x</body></html>')],
  ])('an upload of %s fails with a message that asks for CSV', async (_what, content) => {
    const file = await upload(world.staging, cities, content);
    expect(file).toMatchObject({ state: 'failed', reason: 'unreadable' });
    expect(file.error_message).toMatch(/CSV/);
  });
});
