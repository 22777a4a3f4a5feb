// Records what was observed of rows at the destination, and the bases (the contents at which both sides were equal), in
// the table `destination_state`.
import type { Pool, PoolConnection } from 'mysql2/promise';
import { keysFrom, keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { insertRows } from '../database/bulk.ts';
import { forgetCached } from '../database/cached-for.ts';
import { run, select, sql, toSqlInstant, transaction } from '../database/sql.ts';
import { insertBases, type DestinationHashes, type DestinationState } from './destination-state.ts';
import { indexByKey, whereRows } from './row-state.ts';

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
  const lines = await select<Pick<DestinationState, 'entity' | 'row_id' | 'observed_at'>>(
    connection,
    sql`select entity, row_id, observed_at from destination_state
         where ${whereRows(keysFrom([...since.keys()]))} for update`,
  );
  const unchanged = [...indexByKey(lines)].filter(
    ([text, line]) => line.observed_at === since.get(text),
  );
  return new Set(unchanged.map(([text]) => text));
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
  const observedAt = toSqlInstant(at);
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
        observed_at: observedAt,
        base_hash: known?.hash ?? null,
        base_content: known?.content ?? null,
        base_at: known ? observedAt : null,
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
