// What an environment knows about its rows at the destination, in the table `destination_state`: the hash that was last
// observed of each row there, and the base (the content at which both sides were last equal). A row without an entry
// was equal on both sides when its base was written (see base-chunks.ts). Without an entry and without a base, nothing
// is known of the row at the destination.
import type { Pool, PoolConnection } from 'mysql2/promise';
import { keysFrom, keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { insertRows } from '../database/bulk.ts';
import { forgetCached } from '../database/cached-for.ts';
import { run, select, sql, toSqlInstant, transaction, type Queryable } from '../database/sql.ts';
import { readBases, type Base } from './base-chunks.ts';
import { indexByKey, keyOfLine, whereRows, type Authors } from './row-state.ts';

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
  const lines = await select<DestinationState>(
    on,
    sql`select * from destination_state where ${whereRows(keys)}`,
  );
  return withBases(on, keys, indexByKey(lines), (key, { hash, at }) => ({
    entity: key.entity,
    row_id: key.id,
    observed_hash: hash,
    observed_at: at,
    base_hash: hash,
    base_content: null,
    base_at: at,
    undone_hash: null,
    undone_by: null,
    undone_at: null,
    undone_reason: null,
  }));
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
 * What was observed of a row at the destination. `hash`: null if the row does not exist there. `base`: the content when
 * both sides were equal; null keeps the recorded base, and `none` deletes it. `content`: stored only if the row here
 * has another content.
 */
export type Observation = {
  key: RowKey;
  hash: string | null;
  base: { hash: string; content: string | null } | 'none' | null;
};

/**
 * Returns the observation to record for a row; null if the recorded state is still right. If both sides are equal,
 * their content becomes the base. `seen`: the hash of the row at the destination.
 */
export function newObservation(
  key: RowKey,
  { there, seen, isEqual }: { there: Row | null; seen: string | null; isEqual: boolean },
  stop: DestinationHashes | undefined,
): Observation | null {
  const isNewBase = isEqual && stop?.base_hash !== seen;
  if (!isNewBase && (stop?.observed_hash ?? null) === seen) return null;
  const hasBase = isNewBase && there !== null && seen !== null;
  return { key, hash: seen, base: hasBase ? { hash: seen, content: null } : null };
}

/** Which recorded values an observation replaces. By default, it replaces only values that were observed earlier. */
export type Certainty = {
  /** Whether the observation also replaces values that were observed later. */
  isCertain?: boolean;
  /** Whether the observation also replaces a base that was recorded later. */
  isBaseCertain?: boolean;
  /**
   * The recorded observation times of rows before the rows were read, by key text. An entry that still has this time is
   * replaced, even if a wrong clock has dated the entry in the future.
   */
  since?: Map<string, string>;
};

/**
 * Records what was observed of rows at the time `at`. A later observation by another process stays, unless `certainty`
 * says that it is replaced, too.
 */
export async function writeObservations(
  on: Pool | PoolConnection,
  seen: Observation[],
  at: string,
  certainty: Certainty = {},
) {
  if (seen.length === 0) return;
  // Entries are locked in a fixed order, so that two writers wait for each other instead of deadlocking.
  const sorted = seen.toSorted((one, other) =>
    one.key.entity === other.key.entity
      ? one.key.id - other.key.id
      : one.key.entity < other.key.entity
        ? -1
        : 1,
  );
  const write = async (connection: PoolConnection) => {
    // insertBases() copies bases from `base_chunk` into the entries. An observation that is certain and has a base, or
    // deletes the base (`none`), does not need the former base.
    const keepsBase = ({ base }: Observation) => base === null || !certainty.isCertain;
    await insertBases(
      connection,
      sorted.filter(keepsBase).map(({ key }) => key),
    );
    const unchanged = await unchangedSince(connection, certainty.since);
    const isKnown = ({ key }: Observation) => unchanged.has(keyText(key));
    await upsertObservations(connection, sorted.filter(isKnown), at, { isCertain: true });
    await upsertObservations(
      connection,
      sorted.filter((one) => !isKnown(one)),
      at,
      certainty,
    );
  };
  await ('getConnection' in on ? transaction(on, write) : write(on));
}

/** Locks the entries of these rows. Returns the key texts of the entries that still have the time given in `since`. */
async function unchangedSince(connection: PoolConnection, since = new Map<string, string>()) {
  if (since.size === 0) return new Set<string>();
  const lines = await select<Keyed & { observed_at: string }>(
    connection,
    sql`select entity, row_id, observed_at from destination_state
         where ${whereRows(keysFrom([...since.keys()]))} for update`,
  );
  const unchanged = [...indexByKey(lines)].filter(
    ([text, line]) => line.observed_at === since.get(text),
  );
  return new Set(unchanged.map(([text]) => text));
}

/**
 * Adds an entry for each row that has only a base in `base_chunk`. An entry counts instead of that base, so a new entry
 * must contain the base, or the base would be lost.
 */
async function insertBases(connection: PoolConnection, keys: RowKey[]) {
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

async function upsertObservations(
  on: PoolConnection,
  seen: Observation[],
  at: string,
  { isCertain = false, isBaseCertain = isCertain }: Certainty,
) {
  if (seen.length === 0) return;
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
  const lines = await select<Keyed & { about: 'authors' | 'undone'; said: string }>(
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
