// Applies migrations, each once and in the order of their numbers: SQL files for MySQL, modules for MongoDB. Finished
// statements are counted, so that the next run continues where a killed run stopped.
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
  /** Called after each finished statement, so that tests can stop a migration between two statements. */
  step?: () => Promise<void>;
};

/**
 * Migrates a database to the schema of this program; returns the names of the migrations it
 * applied.
 * @throws Conflict when the file of a migration was changed after the migration was applied
 */
export async function migrate(
  pool: Pool,
  documents: Db,
  { names, folder = root, step = async () => {} }: How = {},
): Promise<string[]> {
  const { known, checksums } = await refuseChanged(pool, { folder, ...(names ? { names } : {}) });
  const applied: string[] = [];
  // One connection runs all statements: opening a connection takes as long as running a statement.
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
    // The connection is destroyed instead of returned to the pool, because its lock timeout is
    // longer than usual.
    on.destroy();
  }
  return applied;
}

/**
 * How many seconds a schema change waits for running queries on its table. Other statements wait
 * only 5 seconds for a lock.
 */
const LOCK_WAIT = 300;

/**
 * Compares the files of applied migrations with the checksums that were stored when they were applied. A caller runs
 * this before it applies any migration.
 * @throws Conflict when a file was changed since, because the files then no longer describe the schema of the database
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
 * Lists all migrations, such as `app/0001-people.sql`, in the order in which they are applied: by
 * number, then by folder.
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
  // MySQL lacks ADD COLUMN IF NOT EXISTS, so a query checks whether the column exists.
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
    // Line endings are normalised, because a checkout on Windows has CRLF instead of LF.
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
  // Records the migration before its first statement. If this run is killed, the next run then
  // knows that it had begun.
  await run(
    on,
    sql`insert into migration_progress (name, statements_done) values (${name}, ${done})
        on duplicate key update statements_done = values(statements_done)`,
  );
  for (const [index, statement] of statements.entries()) {
    if (index >= done) {
      await timed(statement, on, () => on.query(statement)).catch((error: unknown) => {
        // Ignores the error if the last run executed this statement, but was killed before it counted the statement as
        // finished.
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
/** Error codes of a repeated rename: the old name of the table, column or index is gone. */
const renamedAlready = new Set([
  'ER_NO_SUCH_TABLE',
  'ER_BAD_FIELD_ERROR',
  'ER_KEY_DOES_NOT_EXISTS',
]);

/**
 * Whether a statement failed because an earlier run already executed it: what it creates exists, or
 * what it drops or renames is gone. InnoDB executes a statement completely or not at all, so
 * nothing is left to do.
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
