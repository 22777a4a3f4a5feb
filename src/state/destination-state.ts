// The table `destination_state`: for each row of an environment, the content that was last observed at the destination,
// and the base (the content at which both sides were last equal).
import { canonical } from '../catalog/content.ts';
import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { insertRows } from '../database/bulk.ts';
import { forgetCached } from '../database/cached-for.ts';
import { run, select, sql, toSqlInstant, type Queryable } from '../database/sql.ts';
import { indexByKey, whereRows } from './row-state.ts';

export type DestinationState = {
  entity: string;
  row_id: number;
  observed_hash: string | null;
  observed_at: string;
  base_hash: string | null;
  base_content: string | null;
  base_at: string | null;
  /**
   * The hash of the row’s content that was undone at the destination, or `deleted` for an undone
   * deletion. Sending the same content again needs a confirmation.
   */
  undone_hash: string | null;
  undone_by: string | null;
  undone_at: string | null;
  undone_reason: string | null;
};

/** The value of `undone_hash` if a deletion of the row was undone. */
export const DELETED = 'deleted';

export async function readDestinationStates(
  on: Queryable,
  keys: RowKey[],
): Promise<Map<string, DestinationState>> {
  if (keys.length === 0) return new Map();
  return indexByKey(
    await select<DestinationState>(
      on,
      sql`select * from destination_state where ${whereRows(keys)}`,
    ),
  );
}

export type DestinationHashes = Pick<DestinationState, 'observed_hash' | 'base_hash'>;

/** Reads only the hashes of these rows at the destination, because contents are long. */
export async function readDestinationHashes(on: Queryable, keys: RowKey[]) {
  if (keys.length === 0) return new Map<string, DestinationHashes>();
  const lines = await select<DestinationHashes & Pick<DestinationState, 'entity' | 'row_id'>>(
    on,
    sql`select entity, row_id, observed_hash, base_hash from destination_state where ${whereRows(keys)}`,
  );
  return indexByKey(lines);
}

/**
 * An observation of a row at the destination. `base`: the new base (the content when both sides
 * were equal); null keeps the stored base, and `none` deletes it.
 */
export type Observation = {
  key: RowKey;
  hash: string | null;
  base: { hash: string; content: string } | 'none' | null;
};

/**
 * Returns the observation to store for a row, or null if the sync state already contains the same
 * values. If both sides are equal, their content becomes the base.
 */
export function newObservation(
  entity: Entity,
  key: RowKey,
  { there, seen, isEqual }: { there: Row | null; seen: string | null; isEqual: boolean },
  stop: DestinationHashes | undefined,
): Observation | null {
  const isNewBase = isEqual && stop?.base_hash !== seen;
  if (!isNewBase && (stop?.observed_hash ?? null) === seen) return null;
  const hasBase = isNewBase && there !== null && seen !== null;
  return {
    key,
    hash: seen,
    base: hasBase ? { hash: seen, content: canonical(entity, there) } : null,
  };
}

/**
 * Whether an observation also replaces values that were stored with a later time. `isCertain`: the
 * observation replaces all values. `isBaseCertain`: the observation replaces the base.
 */
export type Certainty = { isCertain?: boolean; isBaseCertain?: boolean };

/**
 * Stores observations, but leaves their chunks marked as verified (see checked-chunks.ts). An
 * observation does not replace a later one of another process, unless it is certain.
 */
export async function upsertObservations(
  on: Queryable,
  seen: Observation[],
  at: string,
  { isCertain = false, isBaseCertain = isCertain }: Certainty = {},
) {
  forgetCached();
  const isNewer = isCertain ? sql`true` : sql`values(observed_at) >= observed_at`;
  const isBaseNewer = isBaseCertain ? sql`true` : isNewer;
  const hasBase = sql`${isBaseNewer} and values(base_hash) is not null`;
  await insertRows(
    on,
    'destination_state',
    seen.map(({ key, hash, base }) => {
      const known = base === 'none' ? null : base;
      return {
        entity: key.entity,
        row_id: key.id,
        observed_hash: hash,
        observed_at: toSqlInstant(at),
        base_hash: known?.hash ?? null,
        base_content: known?.content ?? null,
        base_at: known ? toSqlInstant(at) : null,
      };
    }),
    sql`on duplicate key update
          observed_hash = if(${isNewer}, values(observed_hash), observed_hash),
          base_at = if(${hasBase}, values(base_at), base_at),
          base_content = if(${hasBase}, values(base_content), base_content),
          base_hash = if(${hasBase}, values(base_hash), base_hash),
          observed_at = if(${isNewer}, values(observed_at), observed_at)`,
  );
  const baseless = seen.filter(({ base }) => base === 'none').map(({ key }) => key);
  if (baseless.length > 0) {
    await run(
      on,
      sql`update destination_state set base_hash = null, base_content = null, base_at = null
           where ${whereRows(baseless)}`,
    );
  }
}

export type Undone = { key: RowKey; hash: string };

/**
 * Records that these contents were undone at the destination, so that sending one again needs a
 * confirmation.
 */
export async function writeUndone(
  on: Queryable,
  undone: Undone[],
  by: { person: string; reason: string | null },
) {
  forgetCached();
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

/**
 * Clears the record that a row’s content was undone, if a transfer has written the same content
 * again.
 */
export async function clearUndone(on: Queryable, written: Undone[]) {
  const keys = written.map(({ key }) => key);
  if (keys.length === 0) return;
  const marked = await select<{ entity: string; row_id: number; undone_hash: string }>(
    on,
    sql`select entity, row_id, undone_hash from destination_state
         where undone_hash is not null and (${whereRows(keys)})`,
  );
  const hashes = new Map(written.map(({ key, hash }) => [keyText(key), hash]));
  const lifted = marked
    .map(({ entity, row_id: id, undone_hash: hash }) => ({ key: { entity, id }, hash }))
    .filter(({ key, hash }) => hashes.get(keyText(key)) === hash);
  if (lifted.length === 0) return;
  forgetCached();
  await run(
    on,
    sql`update destination_state
           set undone_hash = null, undone_by = null, undone_at = null, undone_reason = null
         where ${whereRows(lifted.map(({ key }) => key))}`,
  );
}
