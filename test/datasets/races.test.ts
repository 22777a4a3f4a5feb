// Tests concurrent work on one data file, by two jobs or by a job and a person: no row of a version is lost, and what a
// person chose about how to parse the file is not overwritten.
import { beforeEach, expect, test } from 'vitest';
import { insertLines } from '../../src/database/bulk.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { examinationOf } from '../../src/datasets/examination.ts';
import { followDatafiles } from '../../src/datasets/follow.ts';
import { loadFile } from '../../src/datasets/load.ts';
import { purgeVersions } from '../../src/datasets/purge.ts';
import * as registry from '../../src/datasets/registry.ts';
import type { Datafile } from '../../src/datasets/registry.ts';
import * as reloading from '../../src/datasets/reloading.ts';
import { openStore } from '../../src/datasets/row-store.ts';
import * as uploads from '../../src/datasets/uploads.ts';
import {
  addDataset,
  confirm,
  load,
  rowsOf,
  runJobs,
  storedRows,
  upload,
} from '../support/datasets.ts';
import { onceAt, passFailpoints } from '../support/once-at.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const dana = 'dana@example.com';
let cities: Dataset;

beforeEach(async () => {
  cities = await addDataset(world.staging);
});
const known = ({ id }: Datafile) => registry.known(world.staging.sql, id);
const many = `n,name\n${Array.from({ length: 12_000 }, (_, row) => `${row},city ${row}`).join('\n')}\n`;

/** Returns a failed data file of which an earlier attempt has stored all rows. */
async function failedWithRows(): Promise<Datafile> {
  const file = await upload(world.staging, cities, many);
  const rows = Array.from({ length: 12_000 }, (_, row) => [file.id, row + 1, '["of before"]']);
  await insertLines(
    world.staging.sql,
    sql`insert into data_row (datafile, id, cells) values`,
    rows,
  );
  await registry.fail(world.staging.sql, file, { reason: 'other', message: 'A disk was full.' });
  return file;
}

test('the deletion of the old rows of a failed data file stops when the file is loaded again meanwhile', async () => {
  const file = await failedWithRows();
  onceAt('rows deleted', async () => {
    passFailpoints();
    await reloading.loadAgain(world.staging, dana, await known(file));
    await runJobs(world.staging);
    await confirm(world.staging, file);
    await runJobs(world.staging);
  });
  await purgeVersions(world.staging);
  expect(await known(file)).toMatchObject({ state: 'processed' });
  expect(await storedRows(world.staging, file)).toBe(12_000);
  expect(await rowsOf(world.staging, cities)).toHaveLength(12_000);
});

test('a worker that was thought dead while it deleted old rows does not delete the rows that another worker stores', async () => {
  const file = await failedWithRows();
  await reloading.loadAgain(world.staging, dana, await known(file));
  await runJobs(world.staging);
  await confirm(world.staging, file);
  const { job } = await known(file);
  const work = { here: world.staging, job: { id: job } as never, report: async () => {} };
  onceAt('rows deleted', async () => {
    passFailpoints();
    await loadFile(work, file.id);
  });
  await loadFile(work, file.id);
  expect(await storedRows(world.staging, file)).toBe(12_000);
});

test('a load commits before 10,000 rows are collected if the rows are large, so that they do not fill the memory', async () => {
  const file = await upload(world.staging, cities, 'a\n1\n');
  await confirm(world.staging, file);
  const { job } = await known(file);
  const columns = [{ name: 'a', type: 'text' as const, format: null }];
  const work = { here: world.staging, job: { id: job } as never };
  const store = openStore(work, await known(file), { columns } as never);
  for (let line = 2; line < 22; line += 1) {
    await store.add({ rows: [{ line, cells: ['x'.repeat(1_000_000)] }], rejects: [] });
  }
  await store.settled();
  expect((await known(file)).loaded_rows).toBe(20);
});

test('a data file does not fail because the job that examines it was cancelled, if a person has confirmed its load meanwhile', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n');
  await run(
    world.staging.sql,
    sql`update job set state = 'cancelled', cancelled_by = 'ops' where id = ${file.job}`,
  );
  await confirm(world.staging, file);
  expect(
    await registry.fail(world.staging.sql, file, { reason: 'other', message: 'Cancelled by ops.' }),
  ).toBe(false);
  await followDatafiles(world.staging);
  await runJobs(world.staging);
  expect(await rowsOf(world.staging, cities)).toEqual([['Pune', 7]]);
});

test('an upload does not fail as “not checked within seven days” once a person has confirmed its load', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n');
  await run(world.staging.sql, sql`update upload set changed_at = changed_at - interval 8 day`);
  await followDatafiles(world.staging);
  expect(await known(file)).toMatchObject({ state: 'failed', reason: 'unchecked' });
  expect((await uploads.ofDatafile(world.staging.sql, file.id))?.state).toBe('failed');
  await reloading.loadAgain(world.staging, dana, await known(file));
  await runJobs(world.staging);
  await confirm(world.staging, file);
  await run(world.staging.sql, sql`update upload set changed_at = changed_at - interval 8 day`);
  await followDatafiles(world.staging);
  await runJobs(world.staging);
  expect(await rowsOf(world.staging, cities)).toEqual([['Pune', 7]]);
});

test('the load of a data file is refused if someone changed how the file is parsed after the page was shown', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n');
  const seen = await known(file);
  const reading = examinationOf(seen)?.reading;
  if (!reading) throw new Error('it was not examined');
  await reloading.chooseReading(world.staging, dana, { file, choices: { headerLine: null } });
  const confirming = reloading.confirm(world.staging, dana, {
    file: seen,
    reading,
    acceptsColumns: false,
  });
  await expect(confirming).rejects.toMatchObject({ status: 409 });
});

test('the load of a data file from a data source stores no rows if a person meanwhile changes how the file is parsed', async () => {
  await load(world.staging, cities, 'name,people\nLyon,5\n');
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n');
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
  const work = {
    here: world.staging,
    job: { id: '0192f0c0-0000-7000-8000-000000000000' } as never,
    report: async () => {
      await reloading.chooseReading(world.staging, dana, {
        file: await known(file),
        choices: { types: { people: { type: 'text', format: null } } },
      });
    },
  };
  await loadFile(work, file.id);
  await runJobs(world.staging);
  expect((await known(file)).reading).toBeNull();
  expect(examinationOf(await known(file))?.reading.columns[1]).toMatchObject({ type: 'text' });
  expect(
    await select(world.staging.sql, sql`select id from data_row where datafile = ${file.id}`),
  ).toEqual([]);
});
