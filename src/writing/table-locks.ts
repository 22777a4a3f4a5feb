// Waits for locks of whole tables (ALTER TABLE, LOCK TABLES) before locking the clock, so that only writers of the
// same tables wait.
import type { PoolConnection } from 'mysql2/promise';
import { isDocument, linksOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { name, select, sql } from '../database/sql.ts';

/** Takes metadata locks on the tables of these rows until the transaction ends; locks no row. */
export async function enterTables(connection: PoolConnection, rows: { entity: string }[]) {
  const entities = [...new Set(rows.map(({ entity }) => entity))].map(entityNamed);
  const tables = entities
    .filter((entity) => !isDocument(entity))
    .flatMap((entity) => [entity.table, ...linksOf(entity).map(({ links }) => links.through)]);
  // Tables are locked in a fixed order, so that two writers cannot deadlock.
  for (const table of [...new Set(tables)].toSorted()) {
    await select(connection, sql`select 1 from ${name(table)} where false for update`);
  }
}
