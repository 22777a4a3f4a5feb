// Tests the nightly check of stored data files: it finds missing and changed files, and hashes each file once a month.
import { beforeEach, expect, test } from 'vitest';
import { run, select, sql } from '../../src/database/sql.ts';
import { CHECK_FILES } from '../../src/datasets/check-objects.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import * as registry from '../../src/datasets/registry.ts';
import type { Datafile } from '../../src/datasets/registry.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { addDataset, load, upload } from '../support/datasets.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let cities: Dataset;
let file: Datafile;

const content = 'name,people\nPune,7\nLyon,5\n';

beforeEach(async () => {
  cities = await addDataset(world.staging);
  file = await load(world.staging, cities, content);
});

type Report = {
  checked: number;
  hashed: number;
  wrong: { id: number; file: string; result: string }[];
};

async function check(): Promise<Report> {
  const wanted = { kind: CHECK_FILES, name: 'Check', person: 'Oneway', input: {} };
  const { job } = await jobs.request(world.staging.sql, wanted);
  const ended = await runJob(world.staging, tasks, job.id);
  return JSON.parse(ended?.report ?? '') as Report;
}

const put = (text: string) => world.staging.storage.put(file.object, Buffer.from(text));
const now = () => registry.known(world.staging.sql, file.id);

test('the nightly check hashes a new data file, then only checks that the file exists, and hashes it again after a month', async () => {
  expect(await check()).toEqual({ checked: 1, hashed: 1, wrong: [] });
  expect(await check()).toEqual({ checked: 1, hashed: 0, wrong: [] });
  await run(
    world.staging.sql,
    sql`update operations_datafile_registry set hashed_at = hashed_at - interval 31 day`,
  );
  expect(await check()).toEqual({ checked: 1, hashed: 1, wrong: [] });
  expect(await now()).toMatchObject({ check_result: 'ok' });
});

test('the nightly check reports a missing data file every night until the file exists again', async () => {
  await check();
  await world.staging.storage.delete(file.object);
  const wrong = [{ id: file.id, file: 'cities.csv', result: 'missing' }];
  expect(await check()).toEqual({ checked: 1, hashed: 0, wrong });
  expect(await check()).toEqual({ checked: 1, hashed: 0, wrong });
  await put(content);
  expect(await check()).toEqual({ checked: 1, hashed: 1, wrong: [] });
});

test('the nightly check reports a data file that was missing and exists again with different content of the same size', async () => {
  await check();
  await world.staging.storage.delete(file.object);
  await check();
  await put(content.replace('Pune', 'Pisa'));
  expect((await check()).wrong).toMatchObject([{ result: 'changed' }]);
});

test('the nightly check reports a data file with a wrong size, and does not hash the content of that file', async () => {
  await put(`${content}Oslo,1\n`);
  expect(await check()).toMatchObject({ hashed: 0, wrong: [{ result: 'changed' }] });
});

test('until the original content is restored, every nightly check reports a data file with changed content', async () => {
  await put(content.replace('Pune', 'Pisa'));
  expect(await check()).toMatchObject({ hashed: 1, wrong: [{ result: 'changed' }] });
  expect(await check()).toMatchObject({ hashed: 1, wrong: [{ result: 'changed' }] });
  await put(content);
  expect(await check()).toMatchObject({ hashed: 1, wrong: [] });
  expect(await now()).toMatchObject({ check_result: 'ok' });
});

test('the nightly check reports every wrong data file, whatever its state, and changes no dataset version', async () => {
  const other = await upload(world.staging, cities, content, 'waiting.csv');
  await world.staging.storage.delete(file.object);
  await world.staging.storage.delete(other.object);
  expect((await check()).wrong.map(({ id }) => id)).toEqual([file.id, other.id]);
  expect(await select(world.staging.sql, sql`select * from data_row`)).toHaveLength(2);
  expect((await now()).state).toBe('processed');
});
