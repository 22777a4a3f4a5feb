// Removes superfluous records from the tables `row_state` and `destination_state`, which versions up to 1.8.0 wrote for
// every row. A row that a refresh wrote, that is equal in this environment and the next one, and that nobody has
// changed since needs only a base (the hash at which it was last equal in both). The removal can be killed at any point
// and run again.
import type { PoolConnection } from 'mysql2/promise';
import { travelling } from '../catalog/index.ts';
import { failpoint } from '../database/failpoints.ts';
import { fromSqlInstant, run, select, sql, transaction, type Statement } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { CHUNK_SIZE, LAST_CHUNK } from '../rows/row-hashes.ts';
import { writeBases } from '../state/base-chunks.ts';
import { chunksWithLines } from '../state/recorded.ts';
import { REFRESH } from '../state/untouched.ts';

/**
 * Replaces superfluous records in `row_state` and `destination_state` by bases (hashes of last equal content), for one
 * chunk of 1,000 ids after the other. Returns the number of rows whose records were replaced.
 */
export async function slimSyncState(here: App): Promise<number> {
  let rows = 0;
  for (const { name } of travelling) {
    const chunks = await chunksWithLines(here.sql, name, 0, LAST_CHUNK);
    for (const chunk of [...chunks].toSorted((one, other) => one - other)) {
      rows += await transaction(here.sql, (connection) => slimChunk(connection, name, chunk));
      await failpoint('sync state slimmed');
    }
  }
  return rows;
}

async function slimChunk(connection: PoolConnection, entity: string, chunk: number) {
  const [from, to] = [chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE - 1];
  const within = (table: Statement) =>
    sql`${table}.entity = ${entity} and ${table}.row_id between ${from} and ${to}`;
  const isEqual = sql`s.deleted_at is null and t.base_hash = s.hash and t.base_hash = t.observed_hash`;
  // The content at which a row was last equal in both environments is stored only while the row differs between them,
  // so the stored content of equal rows is deleted.
  await run(
    connection,
    sql`update destination_state t join row_state s on s.entity = t.entity and s.row_id = t.row_id
           set t.base_content = null
         where ${within(sql`t`)} and ${isEqual} and t.base_content is not null`,
  );
  const lines = await select<{ id: number; hash: string }>(
    connection,
    sql`select s.row_id as id, s.hash from row_state s
          join destination_state t on t.entity = s.entity and t.row_id = s.row_id
         where ${within(sql`s`)} and ${isEqual} and t.undone_hash is null
           and s.created_by = ${REFRESH} and s.changed_by = ${REFRESH}
           and s.engineering_by is null and s.adopted_by is null and s.held_by is null
           for update`,
  );
  const ids = lines.map(({ id }) => id);
  if (ids.length === 0) return 0;
  const hashes = new Map(lines.map(({ id, hash }) => [id, hash]));
  const at = await observedAt(connection, entity, ids);
  await writeBases(connection, entity, hashes, at);
  await run(
    connection,
    sql`delete s, t from row_state s
          join destination_state t on t.entity = s.entity and t.row_id = s.row_id
         where s.entity = ${entity} and s.row_id in (${ids})`,
  );
  return ids.length;
}

/**
 * The earliest time at which one of these rows was recorded as equal in both environments; the present time if none
 * was.
 */
async function observedAt(connection: PoolConnection, entity: string, ids: number[]) {
  const [line] = await select<{ at: string | null }>(
    connection,
    sql`select min(base_at) as at from destination_state
         where entity = ${entity} and row_id in (${ids})`,
  );
  return line?.at ? fromSqlInstant(line.at) : new Date().toISOString();
}
