// The nightly check of stored data files: missing, changed and whole ones, and how often each is hashed.
import { beforeEach, expect, test } from '@jest/globals';
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

test('a whole file is hashed the first time, then looked for, and hashed again after a month', async () => {
  expect(await check()).toEqual({ checked: 1, hashed: 1, wrong: [] });
  expect(await check()).toEqual({ checked: 1, hashed: 0, wrong: [] });
  await run(
    world.staging.sql,
    sql`update operations_datafile_registry set hashed_at = hashed_at - interval 31 day`,
  );
  expect(await check()).toEqual({ checked: 1, hashed: 1, wrong: [] });
  expect(await now()).toMatchObject({ check_result: 'ok' });
});

test('a missing file is reported every night, and whole again when it is back', async () => {
  await check();
  await world.staging.storage.delete(file.object);
  const wrong = [{ id: file.id, file: 'cities.csv', result: 'missing' }];
  expect(await check()).toEqual({ checked: 1, hashed: 0, wrong });
  expect(await check()).toEqual({ checked: 1, hashed: 0, wrong });
  await put(content);
  expect(await check()).toEqual({ checked: 1, hashed: 1, wrong: [] });
});

test('a file that came back with other content of the same size is not taken for whole', async () => {
  await check();
  await world.staging.storage.delete(file.object);
  await check();
  await put(content.replace('Pune', 'Pisa'));
  expect((await check()).wrong).toMatchObject([{ result: 'changed' }]);
});

test('a file with another size is reported without being hashed', async () => {
  await put(`${content}Oslo,1\n`);
  expect(await check()).toMatchObject({ hashed: 0, wrong: [{ result: 'changed' }] });
});

test('a file whose content was changed is reported every night until it is whole again', async () => {
  await put(content.replace('Pune', 'Pisa'));
  expect(await check()).toMatchObject({ hashed: 1, wrong: [{ result: 'changed' }] });
  expect(await check()).toMatchObject({ hashed: 1, wrong: [{ result: 'changed' }] });
  await put(content);
  expect(await check()).toMatchObject({ hashed: 1, wrong: [] });
  expect(await now()).toMatchObject({ check_result: 'ok' });
});

test('files of every state are checked, one wrong file hides no other, and versions stay as they are', async () => {
  const other = await upload(world.staging, cities, content, 'waiting.csv');
  await world.staging.storage.delete(file.object);
  await world.staging.storage.delete(other.object);
  expect((await check()).wrong.map(({ id }) => id)).toEqual([file.id, other.id]);
  expect(await select(world.staging.sql, sql`select * from data_row`)).toHaveLength(2);
  expect((await now()).state).toBe('processed');
});
