// Makes a writer wait until no one locks a whole table (ALTER TABLE, LOCK TABLES), before the writer locks the clock (a
// row of the table `clock`). A writer that waited for a table while it holds the clock would stop the writers of all
// other tables.
import type { PoolConnection } from 'mysql2/promise';
import { isDocument, linksOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { join, name, select, sql } from '../database/sql.ts';

/**
 * Waits until the tables of these rows are not locked. From then until the transaction ends, no one
 * else can alter or lock these tables. No row is locked.
 */
export async function enterTables(connection: PoolConnection, rows: { entity: string }[]) {
  const entities = [...new Set(rows.map(({ entity }) => entity))].map(entityNamed);
  const tables = entities
    .filter((entity) => !isDocument(entity))
    .flatMap((entity) => [entity.table, ...linksOf(entity).map(({ links }) => links.through)]);
  if (tables.length === 0) return;
  // The tables are named in a fixed order, so that two writers cannot deadlock.
  const names = [...new Set(tables)].toSorted().map(name);
  await select(connection, sql`select 1 from ${join(names, ', ')} where false for update`);
}
