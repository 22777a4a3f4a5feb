// Migrations are files, applied once each in the order of their names: plain SQL, and modules for MongoDB.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import type { Pool } from 'mysql2/promise';
import { run, select, sql } from './sql.ts';

const root = new URL('../../migrations/', import.meta.url);

/** Brings a database to the shape of this program; answers the names of what was applied. */
export async function migrate(pool: Pool, documents: Db): Promise<string[]> {
  await pool.query(`CREATE TABLE IF NOT EXISTS migration (
    name VARCHAR(100) NOT NULL PRIMARY KEY,
    applied_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3))`);
  const done = new Set(
    (await select<{ name: string }>(pool, sql`select name from migration`)).map((row) => row.name),
  );
  const applied: string[] = [];
  for (const name of await available()) {
    if (!done.has(name)) {
      await apply(name, pool, documents);
      await run(pool, sql`insert into migration (name) values (${name})`);
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

async function apply(name: string, pool: Pool, documents: Db) {
  const file = new URL(name, root);
  if (name.endsWith('.sql')) {
    const statements = (await readFile(file, 'utf8')).split(/;\s*$/m);
    for (const statement of statements) {
      if (statement.replaceAll(/^--.*$/gm, '').trim() !== '') await pool.query(statement);
    }
  } else {
    const migration = (await import(file.href)) as { up(documents: Db): Promise<void> };
    await migration.up(documents);
  }
}
