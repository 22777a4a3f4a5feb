// Measures the load of a data file of 1,000,000 rows as a version of a dataset, against LOAD DATA LOCAL INFILE into a
// typed table, and the load of a smaller file against sqlite-utils. During a load another program commits a row every
// 10 ms, and its longest wait is measured. Also measures the memory of a load, and of an upload through the server.
import { createReadStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { select, sql, transaction } from '../src/database/sql.ts';
import * as datasets from '../src/datasets/datasets.ts';
import type { Dataset } from '../src/datasets/datasets.ts';
import * as registry from '../src/datasets/registry.ts';
import { chosenRows } from './support/arguments.ts';
import { writeDataFile } from './support/data-file.ts';
import {
  dropTypedTable,
  installSqliteUtils,
  loadData,
  makeTypedTable,
  sqliteUtils,
  typedFacts,
} from './support/dataset-peers.ts';
import { atLeast, besides, within } from './support/goals.ts';
import { databaseOf, type Ground } from './support/ground.ts';
import { forkAsInProduct } from './support/as-in-product.ts';
import type { Found, Goal } from './support/results.ts';
import { Clock, median, ROUNDS } from './support/timing.ts';
import { uploadLarge } from './support/upload.ts';

const MEMORY = 300;
const WAIT = 300;
const PERSON = 'dana@example.com';

type Done = { milliseconds: number; megabytes: number; cpu: number };
type Bench = { ground: Ground; clock: Clock; dataset: Dataset; rows: number };

export async function datasetsBench(ground: Ground): Promise<Found> {
  const rows = chosenRows(1_000_000);
  const { production: here } = ground.world;
  const id = await datasets.add(here, PERSON, { organisation: 'bench', name: 'buildings' });
  const dataset = await datasets.known(here.sql, id);
  const bench = { ground, clock: new Clock(), dataset, rows };
  const { goals, counts } = await large(bench);
  goals.push(await besideSqlite(bench), await upload(bench));
  return { rounds: bench.clock.rounds, counts, goals };
}

/**
 * Stores a data file and records it in the table of data files, as an upload does. Returns the id of its row in that
 * table.
 */
async function store({ ground, dataset }: Bench, path: string): Promise<number> {
  const here = ground.world.production;
  const object = 'datafiles/bench/buildings.csv';
  const { size, checksum } = await here.storage.put(object, createReadStream(path));
  const file = await transaction(here.sql, (on) =>
    registry.add(on, {
      dataset: dataset.id,
      source: null,
      file_name: 'buildings.csv',
      object,
      size,
      sha256: checksum,
      person: PERSON,
    }),
  );
  return file.id;
}

/** Removes the rows of earlier rounds and the binary logs, so that each round finds the same server. */
async function clean({ ground: { lower, world } }: Bench) {
  await lower.ask.query('TRUNCATE ??.data_row', [databaseOf(world.production)]);
  await makeTypedTable(lower);
  await lower.ask.query('RESET MASTER');
  // Wait, because the MySQL server still writes changed data of the round before to disk.
  await sleep(3000);
}

async function large(bench: Bench) {
  const { ground, clock, rows } = bench;
  const [few, many] = ['few.csv', 'many.csv'].map((name) => join(ground.folder, name)) as [
    string,
    string,
  ];
  await writeDataFile(few, Math.ceil(rows / 3));
  const bytes = await writeDataFile(many, rows);
  const memory = [await loaded(bench, few, Math.ceil(rows / 3))];
  const waits: { oneway: number[]; single: number[] } = { oneway: [], single: [] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    await clean(bench);
    const { longest, done } = await whileCommitting(ground, () => loaded(bench, many, rows));
    memory.push(done);
    waits.oneway.push(longest);
    (clock.rounds['load'] ??= []).push(done.milliseconds);
    (clock.rounds['load, CPU of Oneway'] ??= []).push(done.cpu);
    await clean(bench);
    const single = await whileCommitting(ground, () =>
      clock.time('LOAD DATA LOCAL INFILE', () => loadData(ground.lower, many)),
    );
    waits.single.push(single.longest);
    await sameRows(bench);
    console.log(`  load: ${Math.round(done.milliseconds)} ms, ${JSON.stringify(waits)}`);
  }
  await clean(bench);
  await dropTypedTable(ground.lower);
  for (const file of [few, many]) rmSync(file);
  const megabytes = memory.map((one) => one.megabytes);
  return {
    counts: { rows, bytes, megabytes, waits },
    goals: [
      within(
        `a stored data file of ${text(rows)} rows, ${Math.round(bytes / 1e6)} MB, becomes a version: of LOAD DATA LOCAL INFILE into a typed table`,
        1.3,
        clock.pairRatio('load', 'LOAD DATA LOCAL INFILE'),
      ),
      waiting(waits),
      flat(`loading it within ${MEMORY} MB of RSS`, megabytes),
    ],
  };
}

const text = (number: number) => number.toLocaleString('en');

/**
 * Stores a data file, then examines (checks) and loads it, each in a new process. Returns the time and memory of the
 * load.
 */
async function loaded(bench: Bench, path: string, rows: number): Promise<Done> {
  const id = await store(bench, path);
  await run(bench, 'examine', id);
  const done = await run(bench, 'load', id);
  const file = await registry.known(bench.ground.world.production.sql, id);
  if (file.state !== 'processed' || file.loaded_rows !== rows) {
    throw new Error(`${file.loaded_rows} rows, ${file.state}: ${file.error_message}`);
  }
  return done;
}

function run({ ground }: Bench, way: string, id: number): Promise<Done> {
  const env = { ...process.env, ...ground.world.variables.production };
  const words = [way, String(id)];
  const child = forkAsInProduct('bench/support/dataset-process.ts', words, env);
  return new Promise<Done>((resolve, reject) => {
    let done: Done | undefined;
    child.once('message', (message) => (done = message as Done));
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0 && done) resolve(done);
      else reject(new Error(`${way} ended with ${code}`));
    });
  });
}

/** Commits a row every 10 ms while `work` runs, like another program on the server. Returns the longest wait. */
async function whileCommitting<T>(
  { lower }: Ground,
  work: () => Promise<T>,
): Promise<{ longest: number; done: T }> {
  const other = await createConnection({ uri: lower.url.href });
  await other.query('CREATE DATABASE IF NOT EXISTS bench_other');
  await other.query('CREATE TABLE IF NOT EXISTS bench_other.note (at DATETIME(3))');
  let longest = 0;
  let isOver = false;
  const committing = (async () => {
    while (!isOver) {
      const begun = performance.now();
      await other.query('INSERT INTO bench_other.note VALUES (NOW(3))');
      longest = Math.max(longest, performance.now() - begun);
      await sleep(10);
    }
  })();
  try {
    return { done: await work(), longest: Math.round(longest) };
  } finally {
    isOver = true;
    await committing;
    await other.end();
  }
}

/**
 * Compares the longest wait of another program’s commit with the goal. The median of all rounds counts, because the
 * MySQL server writes changed data to disk in bursts.
 */
function waiting({ oneway, single }: { oneway: number[]; single: number[] }): Goal {
  const [least, most] = [Math.min(...oneway), Math.max(...oneway)];
  return {
    goal: `the longest wait of another program's commit meanwhile: within ${WAIT} ms`,
    measured: `${median(oneway)} ms, ${least} to ${most}; ${median(single)} ms during LOAD DATA, which is one transaction`,
    isMet: median(oneway) <= WAIT,
  };
}

function flat(goal: string, [few = 0, ...many]: number[]): Goal {
  const most = Math.max(...many);
  return {
    goal,
    measured: `${most} MB; ${few} MB with a third of the rows`,
    isMet: most <= MEMORY,
  };
}

/**
 * Throws unless the table that LOAD DATA filled and the new version of Oneway’s dataset both have all rows of the file.
 */
async function sameRows({ ground, rows, dataset }: Bench) {
  const typed = await typedFacts(ground.lower);
  if (typed?.number !== rows) throw new Error(`LOAD DATA stored ${typed?.number} of ${rows} rows`);
  const [made] = await select<{ row_count: number }>(
    ground.world.production.sql,
    sql`select row_count from data_version where dataset = ${dataset.id} order by number desc limit 1`,
  );
  if (made?.row_count !== rows) throw new Error(`Oneway stored ${made?.row_count} of ${rows} rows`);
}

/**
 * Examines and loads a smaller file, and compares the time with sqlite-utils, which also detects
 * the column types from all rows.
 */
async function besideSqlite(bench: Bench): Promise<Goal> {
  const { ground, clock } = bench;
  const rows = Math.min(bench.rows, 100_000);
  const version = installSqliteUtils();
  const file = join(ground.folder, 'small.csv');
  await writeDataFile(file, rows);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const id = await store(bench, file);
    const done = await run(bench, 'examine,load', id);
    (clock.rounds['examination and load'] ??= []).push(done.milliseconds);
    console.log(`  examination and load: ${Math.round(done.milliseconds)} ms`);
    await clock.time('sqlite-utils', () =>
      sqliteUtils(ground.lower, file, join(ground.folder, 'peer.db')),
    );
  }
  rmSync(file);
  return besides(
    atLeast(
      `examination and load of ${text(rows)} rows: faster than sqlite-utils insert --csv`,
      3,
      clock.pairRatio('sqlite-utils', 'examination and load'),
    ),
    version,
  );
}

/** Posts a file of 1 GB to a server in another process, as a browser does, and measures the memory of the server. */
async function upload({ ground, dataset, rows, clock }: Bench): Promise<Goal> {
  const bytes = Math.round(1e9 * Math.min(1, rows / 1_000_000));
  const before = await clock.time('upload', () => uploadLarge(ground, dataset, bytes));
  return {
    goal: `the server takes an upload of ${Math.round(bytes / 1e6)} MB within ${MEMORY} MB of RSS`,
    measured: `${before.most} MB; ${before.before} MB before it`,
    isMet: before.most <= MEMORY,
  };
}
