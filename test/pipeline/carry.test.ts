// S3-05 S3-21 S3-22 S3-36 S3-37 S3-38 The pipeline copies versions of datasets into the datasets database.
import { expect, test } from 'vitest';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as runs from '../../src/pipeline/runs.ts';
import { jobOf, rowsIn, tablesIn, usePipeline } from '../support/pipeline.ts';
import { publish } from '../support/published.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const pipeline = usePipeline(world, { API_PAGE_SIZE: '10' });
const columns = { name: 'text', size: 'integer' } as const;
const rowsOf = (count: number, start = 1) =>
  Array.from({ length: count }, (_, index) => [`Row ${start + index} Ä😀`, start + index]);
const here = () => pipeline.site.here;

test('S3-36 S3-37 S3-38 the pipeline fetches a dataset version page by page from the API, and inserts the rows into the datasets database', async () => {
  const { run } = await publish(here(), { name: 'org/cities', columns, rows: rowsOf(25) });
  const ended = await pipeline.carry(run);
  expect(ended).toMatchObject({
    state: 'completed',
    pages_fetched: 3,
    pages_inserted: 3,
    rows_inserted: 25,
    next: null,
    error: null,
  });
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(25));
  expect(await tablesIn(pipeline.target)).toEqual(['org_cities']);
  const stored = readFileSync(join(pipeline.folder, `pages/${run}/3.json`), 'utf8');
  expect(JSON.parse(stored)).toMatchObject({ values: rowsOf(5, 21), next: null });
  expect((await jobOf(here(), run))?.state).toBe('done');
});

test('values of every column type are the same in the datasets database as in the API, after the pipeline has copied them', async () => {
  const { run } = await publish(here(), {
    name: 'org/types',
    columns: {
      integer: 'integer',
      numeric: 'numeric',
      real: 'real',
      boolean: 'boolean',
      date: 'date',
      timestamp: 'timestamp',
      text: 'text',
      long: 'text',
      "odd `name` 'x'": 'text',
    },
    rows: [
      '[9007199254740991,"1234567890123456789.0125",0.1,true,"2026-11-26","2026-11-26T09:30:00.123456Z","a\\"\\\\b\\n\\u0000","' +
        'x'.repeat(70_000) +
        '","; drop table _pages; --"]',
      '[-1,"-0.5",1.7976931348623157e308,false,"0001-01-01","9999-12-31T23:59:59Z"," blanks ","Ä😀",null]',
      '[null,null,null,null,null,null,null,null,"%"]',
    ],
  });
  const ended = await pipeline.carry(run);
  expect(ended.error).toBeNull();
  const [rows] = await pipeline.target.query({
    sql: 'select * from org_types',
    rowsAsArray: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  expect(rows).toEqual([
    [
      '9007199254740991',
      '1234567890123456789.0125',
      0.1,
      1,
      '2026-11-26',
      '2026-11-26 09:30:00.123456',
      'a"\\b\n\0',
      'x'.repeat(70_000),
      '; drop table _pages; --',
    ],
    [
      '-1',
      '-0.5000',
      1.7976931348623157e308,
      0,
      '0001-01-01',
      '9999-12-31 23:59:59.000000',
      ' blanks ',
      'Ä😀',
      null,
    ],
    [null, null, null, null, null, null, null, null, '%'],
  ]);
});

test('the pipeline renames columns whose names MySQL does not allow or considers equal', async () => {
  const long = 'x'.repeat(70);
  const names = ['Name', 'name', 'näme', 'a😀', 'blank ', long, `${long}y`, 'name_2'];
  const { run } = await publish(here(), {
    name: 'org/names',
    columns: Object.fromEntries(names.map((name) => [name, 'integer' as const])),
    rows: [names.map((_name, index) => index)],
  });
  const ended = await pipeline.carry(run);
  expect(ended.error).toBeNull();
  const [shown] = await pipeline.target.query('show columns from org_names');
  expect((shown as { Field: string }[]).map(({ Field: name }) => name)).toEqual([
    'Name',
    'name_3',
    'näme_4',
    'a_',
    'blank',
    'x'.repeat(64),
    `${'x'.repeat(62)}_2`,
    'name_2',
  ]);
  expect(await rowsIn(pipeline.target, 'org_names')).toEqual([names.map((_name, index) => index)]);
});

test('the pipeline creates and fills a table with 300 text columns, and a table with 50 columns of long texts', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, n) => [`c${n}`, 'text' as const]),
  );
  const short = await publish(here(), {
    name: 'org/many',
    columns: many,
    rows: [Array.from({ length: 300 }, (_, n) => `value ${n}`.padEnd(20, '-'))],
  });
  expect((await pipeline.carry(short.run)).error).toBeNull();
  const fifty = Object.fromEntries(
    Array.from({ length: 50 }, (_, n) => [`c${n}`, 'text' as const]),
  );
  const long = await publish(here(), {
    name: 'org/long',
    columns: fifty,
    rows: [Array.from({ length: 50 }, (_, n) => `Ä${n}`.repeat(900))],
  });
  expect((await pipeline.carry(long.run)).error).toBeNull();
  expect((await rowsIn(pipeline.target, 'org_long'))[0]?.[49]).toBe('Ä49'.repeat(900));
});

test('the pipeline replaces a dataset’s table with that of a new version, even if the new version has other columns or no rows', async () => {
  const first = await publish(here(), { name: 'org/cities', columns, rows: rowsOf(25) });
  await pipeline.carry(first.run);
  const second = await publish(here(), {
    name: 'org/cities',
    columns: { other: 'text' },
    rows: [['x']],
  });
  await pipeline.carry(second.run);
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual([['x']]);
  const third = await publish(here(), { name: 'org/cities', columns, rows: [] });
  expect((await pipeline.carry(third.run)).state).toBe('completed');
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual([]);
  expect(await tablesIn(pipeline.target)).toEqual(['org_cities']);
});

test('an unfinished pipeline run inserts nothing once a newer version of its dataset is published (the run is superseded)', async () => {
  const first = await publish(here(), { name: 'org/cities', columns, rows: rowsOf(25) });
  const second = await publish(here(), { name: 'org/cities', columns, rows: rowsOf(3) });
  await pipeline.carry(second.run);
  expect((await pipeline.carry(first.run)).state).toBe('superseded');
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(3));
  expect(existsSync(join(pipeline.folder, `pages/${first.run}`))).toBe(false);
});

test('a pipeline run fails instead of replacing a table that belongs to another program or another dataset', async () => {
  await pipeline.target.query('create table org_cities (own int)');
  const { run } = await publish(here(), { name: 'org/cities', columns, rows: rowsOf(2) });
  const failed = await pipeline.carry(run);
  expect([failed.state, failed.error]).toEqual(['failed', expect.stringContaining('org_cities')]);
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual([]);

  const one = await publish(here(), { name: 'a/b_c', columns, rows: rowsOf(2) });
  await pipeline.carry(one.run);
  const other = await publish(here(), { name: 'a_b/c', columns, rows: rowsOf(3) });
  expect((await pipeline.carry(other.run)).state).toBe('failed');
  expect(await rowsIn(pipeline.target, 'a_b_c')).toEqual(rowsOf(2));
});

test('a failed pipeline run completes its table when a person has solved the problem and resumes the run', async () => {
  await pipeline.target.query('create table org_cities (own int)');
  const { run } = await publish(here(), { name: 'org/cities', columns, rows: rowsOf(25) });
  expect((await pipeline.carry(run)).state).toBe('failed');
  await pipeline.target.query('drop table org_cities');
  await runs.resume(here(), 'dana@example.com', { number: run ?? 0 });
  await expect(runs.resume(here(), 'dana@example.com', { number: run ?? 0 })).rejects.toMatchObject(
    {
      status: 409,
    },
  );
  expect((await pipeline.carry(run)).state).toBe('completed');
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(25));
});

test('publishing a dataset version requests no pipeline run when the settings name no datasets database', async () => {
  const { run } = await publish(world.staging, { name: 'org/cities', columns, rows: rowsOf(2) });
  expect(run).toBeNull();
  const [lines] = await world.staging.sql.query('select * from pipeline_run');
  expect(lines).toEqual([]);
});
