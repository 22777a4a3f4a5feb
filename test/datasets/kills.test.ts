// Kills processes at different steps of a load. Another process continues each load, and every row of the file must be
// stored once. DATASET_KILLS=200 sets the number of kills.
import { beforeEach, expect, test } from 'vitest';
import { run, select, sql } from '../../src/database/sql.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import * as registry from '../../src/datasets/registry.ts';
import type { Datafile } from '../../src/datasets/registry.ts';
import * as versions from '../../src/datasets/versions.ts';
import { runJob } from '../../src/jobs/runner.ts';
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
import { silence } from '../support/jobs.ts';
import { killedAt } from '../support/killing.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const target = Number(process.env['DATASET_KILLS'] ?? 4);
let cities: Dataset;

beforeEach(async () => {
  cities = await addDataset(world.staging);
});

const ROWS = 25_000;
/**
 * Writes one line of the file. Most lines are valid rows; each commit contains a few lines that are
 * rejected.
 */
const lineOf = (row: number) => {
  if (row % 7000 === 13) return `${row},broken,cells`;
  if (row % 6000 === 17) return `${row},"a quote that does not close`;
  return `${row},city ${row}`;
};
const isRow = (row: number) => row % 7000 !== 13 && row % 6000 !== 17;
const all = Array.from({ length: ROWS }, (_, row) => row);
/** A file with so many rows that its load needs three commits. */
const file = `id,name\n${all.map(lineOf).join('\n')}\n`;
const expected = all.filter(isRow).map((row) => [row, `city ${row}`]);
const rejected = all.filter((row) => !isRow(row)).map((row) => row + 2);

/** Checks a loaded file: returns each difference from the expected result as a text. */
async function findings(loaded: Datafile): Promise<string[]> {
  const found: string[] = [];
  const now = await registry.known(world.staging.sql, loaded.id);
  if (now.state !== 'processed') found.push(`the file is ${now.state}: ${now.error_message}`);
  const rows = await rowsOf(world.staging, cities);
  if (JSON.stringify(rows) !== JSON.stringify(expected)) found.push(`${rows.length} other rows`);
  if ((await storedRows(world.staging, loaded)) !== expected.length) found.push('rows left over');
  const rejects = await select<{ line: number }>(
    world.staging.sql,
    sql`select line from data_reject where datafile = ${loaded.id} order by line`,
  );
  if (rejects.map(({ line }) => line).join() !== rejected.join()) found.push('other rejects');
  const made = await versions.list(world.staging.sql, cities.id);
  if (made.length !== 1) found.push(`${made.length} versions`);
  return found;
}

let kills = 0;

test('S3-66 after a process is killed at any step of a load, another process continues and stores each row and rejected line once', async () => {
  for (let kill = 1; kill <= target; kill += 1) {
    if (kill > 1) {
      await world.clear();
      cities = await addDataset(world.staging);
    }
    const uploaded = await upload(world.staging, cities, file);
    const job = await confirm(world.staging, uploaded);
    // With few kills, the process is killed at every second step, to cover more of the load.
    const times = target < 10 ? kill * 2 : ((kill - 1) % 9) + 1;
    const at = { point: 'any', times };
    const wasKilled = await killedAt(world.variables.staging, { do: 'job', id: job.id }, at);
    if (wasKilled) {
      kills += 1;
      await silence(world.staging, job.id);
      await runJob(world.staging, tasks, job.id);
    }
    expect({ times, found: await findings(uploaded) }).toEqual({ times, found: [] });
  }
}, 900_000);

test('the test that kills loading processes has killed several of them', () => {
  expect(kills).toBeGreaterThan(Math.min(2, target / 2));
});

test('S3-66 two workers that load one data file at the same time store each row once', async () => {
  const uploaded = await upload(world.staging, cities, file);
  const job = await confirm(world.staging, uploaded);
  const first = runJob(world.staging, tasks, job.id);
  // The first worker seems dead, so a second worker takes over the job while the first still works.
  await new Promise((go) => setTimeout(go, 100));
  await silence(world.staging, job.id);
  await Promise.all([first, runJob(world.staging, tasks, job.id)]);
  await silence(world.staging, job.id);
  await runJobs(world.staging);
  expect(await findings(uploaded)).toEqual([]);
});

test('loading a data file deletes rows that an earlier attempt stored with other parsing rules, and begins at the first line', async () => {
  const uploaded = await upload(world.staging, cities, 'name,people\nPune,7\nLyon,5\n');
  await run(
    world.staging.sql,
    sql`insert into data_row values (${uploaded.id}, 1, '["of before",1]')`,
  );
  await confirm(world.staging, uploaded);
  await runJobs(world.staging);
  expect(await rowsOf(world.staging, cities)).toEqual([
    ['Pune', 7],
    ['Lyon', 5],
  ]);
});

test('readers see the complete former version of a dataset until the load of a new version is committed', async () => {
  await load(world.staging, cities, 'name,people\nPune,7\nLyon,5\n');
  const uploaded = await upload(world.staging, cities, 'name,people\nOslo,1\n');
  const job = await confirm(world.staging, uploaded);
  await killedAt(
    world.variables.staging,
    { do: 'job', id: job.id },
    { point: 'load last commit', times: 1 },
  );
  expect(await storedRows(world.staging, uploaded)).toBe(1);
  expect(await rowsOf(world.staging, cities)).toEqual([
    ['Pune', 7],
    ['Lyon', 5],
  ]);
});
