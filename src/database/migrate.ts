// Migrations: files that are applied once each, in the order of their numbers; plain SQL, and modules for MongoDB.
// Finished statements are counted, so that a run that was killed continues where it stopped.
import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Db } from 'mongodb';
import type { Pool, PoolConnection } from 'mysql2/promise';
import { Conflict } from '../problems.ts';
import { first, run, select, sql } from './sql.ts';
import { timed } from './traces.ts';

const root = new URL('../../migrations/', import.meta.url);

export type How = {
  /** The names of the migrations to apply; all by default. */
  names?: string[];
  /** The folder that contains the migration files. */
  folder?: URL;
  /** Called after each finished statement; tests stop the migration there. */
  step?: () => Promise<void>;
};

/**
 * Migrates a database to the schema of this program; returns the names of the migrations it applied.
 * @throws Conflict when the file of an applied migration was changed since
 */
export async function migrate(
  pool: Pool,
  documents: Db,
  { names, folder = root, step = async () => {} }: How = {},
): Promise<string[]> {
  const { known, checksums } = await refuseChanged(pool, { folder, ...(names ? { names } : {}) });
  const applied: string[] = [];
  // One connection for all statements: opening one for each takes as long as the statements.
  const on = await pool.getConnection();
  try {
    await on.query(`SET SESSION lock_wait_timeout = ${LOCK_WAIT}`);
    for (const [name, checksum] of checksums) {
      if (!known.has(name)) {
        if (name.endsWith('.sql')) await applySql(new URL(name, folder), name, on, step);
        else await applyModule(new URL(name, folder), documents);
        await step();
        await run(on, sql`insert into migration (name, checksum) values (${name}, ${checksum})`);
        await run(on, sql`delete from migration_progress where name = ${name}`);
        applied.push(name);
      } else if (known.get(name) === null) {
        // An earlier version applied this migration without storing its checksum.
        await run(on, sql`update migration set checksum = ${checksum} where name = ${name}`);
      }
    }
  } finally {
    // The connection is destroyed, not given back to the pool, because its lock timeout is longer than usual.
    on.destroy();
  }
  return applied;
}

/**
 * For how many seconds a schema change waits for running queries on its table; any other statement waits at most 5.
 */
const LOCK_WAIT = 300;

/**
 * Compares the files of applied migrations with their checksums.
 * @throws Conflict before anything is applied, when one was changed: then no file describes the schema of the
 * database
 */
export async function refuseChanged(pool: Pool, { names, folder = root }: How = {}) {
  await prepareTables(pool);
  const known = await appliedChecksums(pool);
  const checksums = await checksumsOf(names ?? (await available(folder)), folder);
  const changed = [...checksums].flatMap(([name, checksum]) =>
    (known.get(name) ?? checksum) === checksum ? [] : [`migrations/${name}`],
  );
  if (changed.length > 0) {
    throw new Conflict(
      `Changed after they were applied here: ${changed.join(', ')}. Nothing was migrated. Restore the files, and put the change into a new migration.`,
    );
  }
  return { known, checksums };
}

const rooms = ['catalog', 'app', 'mongo'];

/**
 * All migrations, such as `app/0001-people.sql`, in the order in which they are applied: by number, then by folder.
 */
export async function available(folder = root): Promise<string[]> {
  const names: string[] = [];
  for (const room of rooms) {
    const files = await readdir(new URL(`${room}/`, folder));
    names.push(...files.toSorted().map((file) => join(room, file)));
  }
  return names.toSorted((one, other) => numberOf(one) - numberOf(other));
}

const numberOf = (name: string) => Number.parseInt(basename(name), 10);

async function prepareTables(pool: Pool) {
  await pool.query(`CREATE TABLE IF NOT EXISTS migration (
    name VARCHAR(100) NOT NULL PRIMARY KEY,
    checksum CHAR(64) NULL,
    applied_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3))`);
  await pool.query(`CREATE TABLE IF NOT EXISTS migration_progress (
    name VARCHAR(100) NOT NULL PRIMARY KEY,
    statements_done INT NOT NULL)`);
  // MySQL lacks ADD COLUMN IF NOT EXISTS, so existing columns are looked up.
  const [column] = await select(
    pool,
    sql`select 1 from information_schema.columns
         where table_schema = database() and table_name = 'migration' and column_name = 'checksum'`,
  );
  if (!column)
    await pool.query('ALTER TABLE migration ADD COLUMN checksum CHAR(64) NULL AFTER name');
}

async function appliedChecksums(pool: Pool): Promise<Map<string, string | null>> {
  const lines = await select<{ name: string; checksum: string | null }>(
    pool,
    sql`select name, checksum from migration`,
  );
  return new Map(lines.map(({ name, checksum }) => [name, checksum]));
}

async function checksumsOf(names: string[], folder: URL): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of names) {
    const text = await readFile(new URL(name, folder), 'utf8');
    // Line endings are normalised, because a checkout on Windows has others.
    found.set(name, hash('sha256', text.replaceAll('\r\n', '\n')));
  }
  return found;
}

async function applySql(file: URL, name: string, on: PoolConnection, step: () => Promise<void>) {
  const text = await readFile(file, 'utf8');
  const statements = text
    .split(/;\s*$/m)
    .filter((statement) => statement.replaceAll(/^--.*$/gm, '').trim() !== '');
  const line = await first<{ done: number }>(
    on,
    sql`select statements_done as done from migration_progress where name = ${name}`,
  );
  const done = line?.done ?? 0;
  // The migration is recorded before its first statement, so that a killed run can be told from one that never started.
  await run(
    on,
    sql`insert into migration_progress (name, statements_done) values (${name}, ${done})
        on duplicate key update statements_done = values(statements_done)`,
  );
  for (const [index, statement] of statements.entries()) {
    if (index >= done) {
      await timed(statement, on, () => on.query(statement)).catch((error: unknown) => {
        // The last run was killed after this statement had run and before it was counted.
        if (index !== done || line === undefined || !isDoneAlready(statement, error)) throw error;
      });
      await step();
      await run(
        on,
        sql`insert into migration_progress (name, statements_done) values (${name}, ${index + 1})
            on duplicate key update statements_done = values(statements_done)`,
      );
    }
  }
}

const doneAlready = new Set([
  'ER_TABLE_EXISTS_ERROR',
  'ER_DUP_FIELDNAME',
  'ER_DUP_KEYNAME',
  'ER_DUP_ENTRY',
  'ER_CANT_DROP_FIELD_OR_KEY',
  'ER_BAD_TABLE_ERROR',
]);
/** Error codes of a rename that was already done: the old name of the table, column or index is gone. */
const renamedAlready = new Set([
  'ER_NO_SUCH_TABLE',
  'ER_BAD_FIELD_ERROR',
  'ER_KEY_DOES_NOT_EXISTS',
]);

/**
 * Whether a statement was already run: its table, column, index or row exists (or is gone). InnoDB runs a statement
 * completely or not at all.
 */
function isDoneAlready(statement: string, error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return doneAlready.has(code) || (/\bRENAME\b/.test(statement) && renamedAlready.has(code));
}

async function applyModule(file: URL, documents: Db) {
  const migration = (await import(file.href)) as {
    up(documents: Db): Promise<void>;
  };
  await migration.up(documents);
}
