// Migrations are files, applied once each in the order of their names: plain SQL, and modules for MongoDB.
// Their statements are counted as they are done, so that a run that was killed goes on where it stopped.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import type { Pool } from 'mysql2/promise';
import { first, run, select, sql } from './sql.ts';

const root = new URL('../../migrations/', import.meta.url);

export type How = {
  /** What to apply; everything there is when nothing is said. */
  names?: string[];
  /** Called after each statement. */
  step?: () => Promise<void>;
};

/** Brings a database to the shape of this program; answers the names of what was applied. */
export async function migrate(
  pool: Pool,
  documents: Db,
  { names, step = async () => {} }: How = {},
): Promise<string[]> {
  await pool.query(`CREATE TABLE IF NOT EXISTS migration (
    name VARCHAR(100) NOT NULL PRIMARY KEY,
    applied_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3))`);
  await pool.query(`CREATE TABLE IF NOT EXISTS migration_progress (
    name VARCHAR(100) NOT NULL PRIMARY KEY,
    statements_done INT NOT NULL)`);
  const done = new Set(
    (await select<{ name: string }>(pool, sql`select name from migration`)).map((row) => row.name),
  );
  const applied: string[] = [];
  for (const name of names ?? (await available())) {
    if (!done.has(name)) {
      if (name.endsWith('.sql')) await applySql(name, pool, step);
      else await applyModule(name, documents);
      await step();
      await run(pool, sql`insert into migration (name) values (${name})`);
      await run(pool, sql`delete from migration_progress where name = ${name}`);
      applied.push(name);
    }
  }
  return applied;
}

/** Every migration there is: `app/0001-people.sql`, in the order in which they are applied. */
export async function available(): Promise<string[]> {
  const names: string[] = [];
  for (const room of ['catalog', 'app', 'mongo']) {
    const files = await readdir(new URL(`${room}/`, root));
    names.push(...files.toSorted().map((file) => join(room, file)));
  }
  return names;
}

async function applySql(name: string, pool: Pool, step: () => Promise<void>) {
  const text = await readFile(new URL(name, root), 'utf8');
  const statements = text
    .split(/;\s*$/m)
    .filter((statement) => statement.replaceAll(/^--.*$/gm, '').trim() !== '');
  const line = await first<{ done: number }>(
    pool,
    sql`select statements_done as done from migration_progress where name = ${name}`,
  );
  const done = line?.done ?? 0;
  // Written before the first statement: it tells a run that was killed from one that never began.
  await run(
    pool,
    sql`insert into migration_progress (name, statements_done) values (${name}, ${done})
        on duplicate key update statements_done = values(statements_done)`,
  );
  for (const [index, statement] of statements.entries()) {
    if (index >= done) {
      await pool.query(statement).catch((error: unknown) => {
        // The last run was killed after the statement and before it was counted.
        if (index !== done || line === undefined || !isDoneAlready(statement, error)) throw error;
      });
      await step();
      await run(
        pool,
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
/** The old name of a renamed table, column or index is gone. */
const renamedAlready = new Set([
  'ER_NO_SUCH_TABLE',
  'ER_BAD_FIELD_ERROR',
  'ER_KEY_DOES_NOT_EXISTS',
]);

/** Table, column, index or row is there (or gone) already. One statement is all or nothing in InnoDB. */
function isDoneAlready(statement: string, error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return doneAlready.has(code) || (/\bRENAME\b/.test(statement) && renamedAlready.has(code));
}

async function applyModule(name: string, documents: Db) {
  const migration = (await import(new URL(name, root).href)) as {
    up(documents: Db): Promise<void>;
  };
  await migration.up(documents);
}
