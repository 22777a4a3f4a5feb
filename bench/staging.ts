// Measures a backup of a catalogue, and the making of a staging database (a copy) from the backup, against what people
// would use instead: `mariadb-dump | zstd` and `zstd -dc | mariadb` for tables, a bare cursor and insertMany for
// documents. Also measures the time from the click on *Run* until a copy is ready.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection, PoolConnection } from 'mysql2/promise';
import { compareWithBackup } from '../src/backups/compare.ts';
import { dumpDocuments } from '../src/backups/documents.ts';
import { folderOf } from '../src/backups/manifest.ts';
import { pack } from '../src/backups/pack.ts';
import { catalogueColumns, dumpTable, STATE_TABLE } from '../src/backups/tables.ts';
import { folderObjects } from '../src/storage/folder.ts';
import { withCopy } from '../src/staging/databases.ts';
import { drop } from '../src/staging/drop.ts';
import { fillProduction as fillDemo } from '../demo/seed.ts';
import { chosenRows } from './support/arguments.ts';
import {
  dumpTables,
  insertAll,
  loadTables,
  makeTables,
  migrateBare,
  readAll,
  renameAll,
} from './support/backup-peers.ts';
import {
  backUp,
  dropSpare,
  fillProduction,
  makeCopy,
  makeSpare,
  orderCopy,
  readyCopy,
} from './support/copies.ts';
import { atLeast, besides, cold, warm, within } from './support/goals.ts';
import { databaseOf, type Ground } from './support/ground.ts';
import { times, type Found, type Goal } from './support/results.ts';
import { Clock, ROUNDS } from './support/timing.ts';
import { differingRows, fillWide, makeWide, WIDE } from './support/wide.ts';

type Bench = { ground: Ground; clock: Clock; rows: number; folder: string };

export async function staging(ground: Ground): Promise<Found> {
  const bench = {
    ground,
    clock: new Clock(),
    rows: chosenRows(30_000),
    folder: join(ground.folder, 'dumps'),
  };
  mkdirSync(bench.folder, { recursive: true });
  const goals: Goal[] = [await clickOnDemo(bench)];
  await ground.world.clear();
  goals.push(await wideTable(bench));
  await fillProduction(ground, bench.rows);
  goals.push(await catalogueTables(bench), await documents(bench));
  goals.push(await build(bench), await clickWithSpare(bench));
  rmSync(bench.folder, { recursive: true });
  return { rounds: bench.clock.rounds, goals };
}

/**
 * Measures the time from the request for a staging database until it is ready, with the catalogue of the demo. No
 * staging database was built in advance, so each request builds one.
 */
async function clickOnDemo({ ground: { world, lower }, clock }: Bench): Promise<Goal> {
  const { production, staging: here } = world;
  await fillDemo(production);
  const { files } = await backUp(production);
  const rows = files.reduce((total, file) => total + file.rows, 0);
  const what = 'click to ready, demo';
  for (let round = 1; round <= ROUNDS; round += 1) {
    const copy = await clock.time(what, () => makeCopy(here, `demo${round}`));
    await drop(here, copy, 'pm@example.com');
    await clock.time('bare migrations', () => migrateBare(lower, 'bench_bare'));
    await lower.ask.query('DROP DATABASE bench_bare');
  }
  return cold(
    besides(
      inSeconds(
        `click to ready, the demo's catalogue (${rows.toLocaleString('en')} rows), no spare`,
        clock.median(what),
      ),
      `${times(clock.pairRatio(what, 'bare migrations'))} of the bare statements of its migrations`,
    ),
  );
}

const inSeconds = (goal: string, milliseconds: number): Goal => ({
  goal: `${goal}: within 2 s`,
  measured: `${(milliseconds / 1000).toFixed(2)} s`,
  isMet: milliseconds <= 2000,
});

async function wideTable({ ground: { lower }, clock, rows, folder }: Bench): Promise<Goal> {
  await makeWide(lower.ask, 'bench_wide');
  await lower.ask.query('USE bench_wide');
  await fillWide(lower.ask, 'bench_wide', rows);
  const peerFile = join(folder, 'peer-wide.sql.zst');
  for (let round = 1; round <= ROUNDS * 2 - 1; round += 1) {
    await clock.time('30 columns, oneway', () => dump(lower.ask, folder, WIDE, null));
    await clock.time('30 columns, mariadb-dump', () =>
      dumpTables(lower, 'bench_wide', [WIDE], peerFile),
    );
  }
  const differing: Record<string, number> = {};
  for (const [name, file] of [
    ['oneway', join(folder, `${WIDE}.sql.zst`)],
    ['mariadb-dump', peerFile],
  ] as const) {
    await makeWide(lower.ask, 'bench_loaded');
    await loadTables(lower, 'bench_loaded', [file]);
    differing[name] = await differingRows(lower.ask, 'bench_wide', 'bench_loaded');
  }
  await lower.ask.query('DROP DATABASE bench_wide');
  await lower.ask.query('DROP DATABASE bench_loaded');
  const goal = within(
    `backup of ${rows.toLocaleString('en')} rows of 30 columns: of mariadb-dump \\| zstd`,
    1.2,
    clock.pairRatio('30 columns, oneway', '30 columns, mariadb-dump'),
  );
  return {
    ...besides(
      goal,
      `${differing['oneway']} rows differ after loading; of those of mariadb-dump ${differing['mariadb-dump']}`,
    ),
    isMet: goal.isMet && differing['oneway'] === 0,
  };
}

async function dump(
  ask: Connection,
  folder: string,
  table: string,
  columns: string[] | null,
): Promise<number> {
  const dumped = await dumpTable(ask as PoolConnection, table, columns);
  const { parts } = pack(dumped.parts, null);
  await folderObjects(folder).put(`${table}.sql.zst`, parts);
  return dumped.rows();
}

const tables = () => [...catalogueColumns(), [STATE_TABLE, null] as const];

async function catalogueTables({ ground, clock, rows, folder }: Bench): Promise<Goal> {
  const { lower, world } = ground;
  const database = databaseOf(world.production);
  await lower.ask.query('USE ??', [database]);
  const names = tables().map(([name]) => name);
  for (let round = 1; round <= ROUNDS * 2 - 1; round += 1) {
    await clock.time('catalogue, oneway', async () => {
      for (const [name, columns] of tables()) await dump(lower.ask, folder, name, columns);
    });
    await clock.time('catalogue, mariadb-dump', () =>
      dumpTables(lower, database, names, join(folder, 'peer.sql.zst')),
    );
  }
  return within(
    `backup of the catalogue with ${rows.toLocaleString('en')} tasks and their sync state: of mariadb-dump \\| zstd`,
    2,
    clock.pairRatio('catalogue, oneway', 'catalogue, mariadb-dump'),
  );
}

async function documents({ ground: { world }, clock, rows, folder }: Bench): Promise<Goal> {
  const { documents: db } = world.production;
  const name = 'form_field';
  for (let round = 1; round <= ROUNDS * 2 - 1; round += 1) {
    await clock.time('documents, oneway', async () => {
      const { parts } = pack(dumpDocuments(db, name, new Date().toISOString()).parts, null);
      await folderObjects(folder).put(`${name}.bson.zst`, parts);
    });
    await clock.time('documents, raw cursor', () => readAll(db, name, true));
    await clock.time('documents, cursor', () => readAll(db, name, false));
  }
  return besides(
    within(
      `backup of ${Math.ceil(rows / 10).toLocaleString('en')} documents: of the bare cursor`,
      1.3,
      clock.pairRatio('documents, oneway', 'documents, cursor'),
    ),
    `${times(clock.pairRatio('documents, oneway', 'documents, raw cursor'))} of one that decodes nothing`,
  );
}

async function build({ ground, clock, rows, folder }: Bench): Promise<Goal> {
  const { lower, world } = ground;
  const { production, staging: here } = world;
  const manifest = await backUp(production);
  const schema = join(ground.backups, folderOf(manifest), 'schema.sql');
  const all = new Map(
    await Promise.all(
      ['form', 'form_field'].map(
        async (name) =>
          [name, await production.documents.collection(name).find().toArray()] as const,
      ),
    ),
  );
  // For a fair comparison, insertMany writes with the same MongoDB user and write concern as
  // Oneway.
  const peerDocuments = here.documents;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const { order, build: run } = await orderCopy(here, `built${round}`);
    await clock.time('build, oneway', run);
    const copy = await readyCopy(here, order);
    await withCopy(here, copy, (made) => compareWithBackup(made, manifest));
    await drop(here, copy, 'pm@example.com');
    for (const name of all.keys()) await peerDocuments.dropCollection(name);
    await clock.time('build, mariadb and insertMany', async () => {
      await makeTables(lower, 'bench_peer', schema);
      await loadTables(lower, 'bench_peer', [join(folder, 'peer.sql.zst')]);
      await insertAll(peerDocuments, all);
    });
    await lower.ask.query('DROP DATABASE bench_peer');
  }
  return cold(
    atLeast(
      `copy of ${rows.toLocaleString('en')} tasks, checked: faster than zstd -dc \\| mariadb, then insertMany and indexes`,
      1.3,
      clock.pairRatio('build, mariadb and insertMany', 'build, oneway'),
    ),
  );
}

/**
 * Measures the request for a staging database while a spare exists: a staging database that a restore test (a test that
 * a backup can be loaded) has built, and that nobody has requested yet. Such a request only renames the tables of the
 * spare.
 */
async function clickWithSpare({ ground, clock, rows }: Bench): Promise<Goal> {
  const { staging: here } = ground.world;
  const what = 'click to ready, spare';
  for (let round = 1; round <= ROUNDS; round += 1) {
    await clock.time('restore test', () => makeSpare(here));
    const copy = await clock.time(what, () => makeCopy(here, `spare${round}`));
    if (copy.spare_name === null) throw new Error('The spare was not taken');
    await clock.time('bare rename', () => renameAll(ground.lower, copy.name));
    await drop(here, copy, 'pm@example.com');
  }
  await dropSpare(here);
  return warm(
    besides(
      inSeconds(
        `click to ready, ${rows.toLocaleString('en')} tasks, with a spare`,
        clock.median(what),
      ),
      `the bare RENAME TABLE ${Math.round(clock.median('bare rename'))} ms`,
    ),
  );
}
