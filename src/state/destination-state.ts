// What an environment knows about its rows at the destination, in the table `destination_state`: the hash that was last
// observed of each row there, and the base (the content at which both sides were last equal). A row without an entry
// was equal on both sides when its base was written (see base-chunks.ts). Without an entry and without a base, nothing
// is known of the row at the destination.
import type { PoolConnection } from 'mysql2/promise';
import { contentFrom } from '../catalog/content.ts';
import { keysFrom, keyText, type Content, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { insertRows } from '../database/bulk.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { readBases, type Base } from './base-chunks.ts';
import { indexByKey, whereRows } from './row-state.ts';

export type DestinationState = {
  entity: string;
  row_id: number;
  observed_hash: string | null;
  observed_at: string;
  base_hash: string | null;
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

export async function readDestinationStates(
  on: Queryable,
  keys: RowKey[],
): Promise<Map<string, DestinationState>> {
  if (keys.length === 0) return new Map();
  const lines = await select<DestinationState>(
    on,
    sql`select entity, row_id, observed_hash, observed_at, base_hash, base_at,
               undone_hash, undone_by, undone_at, undone_reason
          from destination_state where ${whereRows(keys)}`,
  );
  return withBases(on, keys, indexByKey(lines), (key, { hash, at }) => ({
    entity: key.entity,
    row_id: key.id,
    observed_hash: hash,
    observed_at: at,
    base_hash: hash,
    base_at: at,
    undone_hash: null,
    undone_by: null,
    undone_at: null,
    undone_reason: null,
  }));
}

/**
 * Returns the stored contents of bases, by key text (`task:12`). Few bases have one: it is stored if the row here has
 * another content and no history has that of the base. `wanted`: the hash of the base of each row, by key text.
 */
export async function storedBases(
  on: Queryable,
  wanted: Map<string, string>,
): Promise<Map<string, Content>> {
  const lines = await select<Keyed & { base_hash: string; base_content: string }>(
    on,
    sql`select entity, row_id, base_hash, base_content from destination_state
         where ${whereRows(keysFrom([...wanted.keys()]))} and base_content is not null`,
  );
  return new Map(
    [...indexByKey(lines)].flatMap(([text, { entity, base_hash: hash, base_content: content }]) =>
      hash === wanted.get(text) ? [[text, contentFrom(entityNamed(entity), content)] as const] : [],
    ),
  );
}

export type DestinationHashes = Pick<DestinationState, 'observed_hash' | 'base_hash'>;

/** Reads only the hashes of these rows at the destination, because contents are long. */
export async function readDestinationHashes(
  on: Queryable,
  keys: RowKey[],
): Promise<Map<string, DestinationHashes>> {
  if (keys.length === 0) return new Map();
  const lines = await select<DestinationHashes & Pick<DestinationState, 'entity' | 'row_id'>>(
    on,
    sql`select entity, row_id, observed_hash, base_hash from destination_state where ${whereRows(keys)}`,
  );
  return withBases(on, keys, indexByKey<DestinationHashes & Keyed>(lines), hashesOf);
}

type Keyed = { entity: string; row_id: number };

const hashesOf = ({ entity, id }: RowKey, { hash }: Base) => ({
  entity,
  row_id: id,
  observed_hash: hash,
  base_hash: hash,
});

/** Adds entries for rows that have a base but no entry in the table. Such an entry is made from the base. */
async function withBases<T>(
  on: Queryable,
  keys: RowKey[],
  lines: Map<string, T>,
  lineOf: (key: RowKey, base: Base) => T,
): Promise<Map<string, T>> {
  const others = keys.filter((key) => !lines.has(keyText(key)));
  const bases = await readBases(on, others);
  for (const key of others) {
    const base = bases.get(keyText(key));
    if (base) lines.set(keyText(key), lineOf(key, base));
  }
  return lines;
}

/**
 * Adds an entry for each row that has only a base in `base_chunk`. An entry counts instead of that base, so a new entry
 * must contain the base, or the base would be lost.
 */
export async function insertBases(connection: PoolConnection, keys: RowKey[]) {
  if (keys.length === 0) return;
  const lines = await select<Keyed>(
    connection,
    sql`select entity, row_id from destination_state where ${whereRows(keys)}`,
  );
  const present = indexByKey(lines);
  const others = keys.filter((key) => !present.has(keyText(key)));
  const bases = await readBases(connection, others);
  await insertRows(
    connection,
    'destination_state',
    others.flatMap((key) => {
      const base = bases.get(keyText(key));
      if (!base) return [];
      const { at } = base;
      return [{ ...hashesOf(key, base), observed_at: at, base_at: at }];
    }),
    sql`on duplicate key update entity = values(entity)`,
  );
}
