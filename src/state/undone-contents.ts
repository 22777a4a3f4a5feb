// Which contents of rows were undone at the destination, in the table `destination_state`. Sending such a content again
// needs a confirmation.
import type { PoolConnection } from 'mysql2/promise';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { insertRows } from '../database/bulk.ts';
import { forgetCached } from '../database/cached-for.ts';
import { run, select, sql, toSqlInstant, type Queryable } from '../database/sql.ts';
import { insertBases } from './destination-state.ts';
import { keyOfLine, whereRows, type Authors } from './row-state.ts';

/** The value of `undone_hash` if a deletion of the row was undone. */
export const DELETED = 'deleted';

export type Undone = { key: RowKey; hash: string };

/**
 * Records that these contents were undone at the destination, so that sending one again needs a
 * confirmation.
 */
export async function writeUndone(
  on: PoolConnection,
  undone: Undone[],
  by: { person: string; reason: string | null },
) {
  forgetCached();
  await insertBases(
    on,
    undone.map(({ key }) => key),
  );
  const now = toSqlInstant(new Date().toISOString());
  const rows = undone.map(({ key, hash }) => ({
    entity: key.entity,
    row_id: key.id,
    undone_hash: hash,
    undone_by: by.person,
    undone_at: now,
    undone_reason: by.reason,
  }));
  await insertRows(
    on,
    'destination_state',
    rows.map((row) => ({ ...row, observed_at: now })),
    sql`on duplicate key update
          undone_hash = values(undone_hash), undone_by = values(undone_by),
          undone_at = values(undone_at), undone_reason = values(undone_reason)`,
  );
}

/** Which contents of rows were undone at the destination, by key text: their hashes, or DELETED. */
export type UndoneHashes = Map<string, string>;

/** Reads with one statement who last changed each of these rows here, and what was undone of them at the destination. */
export async function readAuthorsAndUndone(
  on: Queryable,
  keys: RowKey[],
): Promise<{ authors: Authors; undone: UndoneHashes }> {
  const lines = await select<{
    entity: string;
    row_id: number;
    about: 'authors' | 'undone';
    said: string;
  }>(
    on,
    sql`select 'authors' as about, entity, row_id, changed_by as said from row_state
         where ${whereRows(keys)}
        union all
        select 'undone', entity, row_id, undone_hash from destination_state
         where undone_hash is not null and ${whereRows(keys)}`,
  );
  const found = { authors: new Map<string, string>(), undone: new Map<string, string>() };
  for (const line of lines) found[line.about].set(keyText(keyOfLine(line)), line.said);
  return found;
}

/**
 * Clears the record that a row’s content was undone, if a transfer has written the same content
 * again. `undone`: what was recorded of these rows.
 */
export async function clearUndone(on: Queryable, written: Undone[], undone: UndoneHashes) {
  const lifted = written.filter(({ key, hash }) => undone.get(keyText(key)) === hash);
  if (lifted.length === 0) return;
  forgetCached();
  await run(
    on,
    sql`update destination_state
           set undone_hash = null, undone_by = null, undone_at = null, undone_reason = null
         where ${whereRows(lifted.map(({ key }) => key))}`,
  );
}
