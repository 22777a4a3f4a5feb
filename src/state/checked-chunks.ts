// Chunks are 1,000 row ids that are compared together. For each that was verified, this file stores the digests (short
// fingerprints) of both sides. As long as both sides still have these digests, and nobody has changed the sync state,
// the rows of the chunk need not be read.
import { hash } from 'node:crypto';
import type { Pool, PoolConnection } from 'mysql2/promise';
import type { RowKey } from '../catalog/entity.ts';
import { insertRows, upsertRows } from '../database/bulk.ts';
import {
  join,
  run,
  select,
  sql,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { RowDigests, mergeById, CHUNK_SIZE, chunkOf, type RowDigest } from '../rows/digests.ts';
import { upsertObservations, type Certainty, type Observation } from './destination-state.ts';

export type ChunkSides = { here: RowDigests; there: RowDigests };
/**
 * What is stored about a chunk. `generation` grows each time the sync state of its rows is written. A chunk that was
 * never verified has generation 0 and no digest.
 */
export type CheckedChunk = { generation: number; digest: string | null };

/** One digest for a chunk, computed from the digest lines of all its rows on both sides. */
export const chunkDigest = ({ here, there }: ChunkSides) =>
  hash('sha256', `${here.all.join('\n')}\n\n${there.all.join('\n')}`);

export async function readCheckedChunks(
  on: Queryable,
  entity: string,
  first: number,
  last: number,
) {
  const lines = await select<CheckedChunk & { chunk: number }>(
    on,
    sql`select chunk, generation, digest from checked_chunk
         where entity = ${entity} and chunk between ${first} and ${last}`,
  );
  return new Map(lines.map((line) => [line.chunk, line]));
}

/**
 * The digest lines of a verified chunk. `changed`: ids whose lines are stored separately, because they changed after
 * the others were stored.
 */
export type CheckedSides = ChunkSides & { changed: Set<number> };

/**
 * Reads the digest lines of both sides, as they were when the given chunks were verified, by chunk; chunks without
 * stored lines are missing.
 */
export async function readCheckedSides(on: Queryable, entity: string, chunks: number[]) {
  if (chunks.length === 0) return new Map<number, CheckedSides>();
  const lines = await select<{
    chunk: number;
    here_lines: string;
    there_lines: string;
    changes: string | null;
  }>(
    on,
    sql`select chunk, here_lines, there_lines, changes from checked_chunk
         where entity = ${entity} and chunk in (${chunks})
           and digest is not null and here_lines is not null`,
  );
  return new Map(
    lines.map(({ chunk, here_lines: here, there_lines: there, changes }) => [
      chunk,
      withChanges({ here: split(here), there: split(there) }, changes),
    ]),
  );
}

const split = (text: string) => RowDigests.from(text === '' ? [] : text.split('\n'));

type Changes = { ids: number[]; here: RowDigest[]; there: RowDigest[] };

function withChanges({ here, there }: ChunkSides, text: string | null): CheckedSides {
  if (text === null) return { here, there, changed: new Set() };
  const changes = JSON.parse(text) as Changes;
  const since = new Set(changes.ids);
  const merged = (lines: RowDigests, changed: RowDigest[]) => {
    const made = new RowDigests();
    const add = (id: number, line: RowDigest | undefined) => line && made.add(id, line);
    mergeById(lines, RowDigests.from(changed), (id, old, now) =>
      add(id, since.has(id) ? now : old),
    );
    return made;
  };
  return { here: merged(here, changes.here), there: merged(there, changes.there), changed: since };
}

/**
 * A chunk to record as verified, unless its sync state is written after `generation` was read. `changed`: the ids of
 * the only new digest lines, or null if all lines are new.
 */
export type VerifiedChunk = ChunkSides & {
  chunk: number;
  generation: number;
  changed: Set<number> | null;
};

const key = ['entity', 'chunk'];

/** Up to how many changed digest lines are stored separately; for more, the whole chunk is stored again. */
const KEPT_APART = 200;

/**
 * Writes what was observed at `at`, and records the given chunks as verified. Where the sync state was written
 * meanwhile, an observation counts only if it is newer.
 */
export async function writeCheckedChunks(
  pool: Pool,
  entity: string,
  checked: VerifiedChunk[],
  { seen, at }: { seen: Observation[]; at: string },
) {
  await transaction(pool, async (connection) => {
    const standing = await lockUnchanged(connection, entity, checked);
    const isStanding = ({ chunk }: { chunk: number }) => standing.has(chunk);
    const apart = checked.filter((one) => isStanding(one) && isApart(one));
    const whole = checked.filter((one) => isStanding(one) && !isApart(one));
    await upsertRows(
      connection,
      'checked_chunk',
      key,
      whole.map((one) => ({
        entity,
        chunk: one.chunk,
        digest: chunkDigest(one),
        here_lines: one.here.all.join('\n'),
        there_lines: one.there.all.join('\n'),
        changes: null,
      })),
    );
    // The long text of a chunk’s digest lines is not stored again for a few changed lines.
    await upsertRows(
      connection,
      'checked_chunk',
      key,
      apart.map((one) => ({
        entity,
        chunk: one.chunk,
        digest: chunkDigest(one),
        changes: changesIn(one),
      })),
    );
    const [ours, others] = [true, false].map((wanted) =>
      seen.filter(({ key }) => standing.has(chunkOf(key.id)) === wanted),
    );
    await upsertObservations(connection, ours ?? [], at, { isCertain: true });
    await writeObservations(connection, others ?? [], at);
  });
}

const isApart = ({ changed: since }: VerifiedChunk) => since !== null && since.size <= KEPT_APART;

/** Locks the records of the given chunks in order; returns the numbers of those whose generation has not changed. */
async function lockUnchanged(connection: PoolConnection, entity: string, checked: VerifiedChunk[]) {
  const chunks = checked.map(({ chunk }) => chunk).toSorted((one, other) => one - other);
  await insertRows(
    connection,
    'checked_chunk',
    chunks.map((chunk) => ({ entity, chunk })),
    sql`on duplicate key update generation = generation`,
  );
  const lines = await select<{ chunk: number; generation: number }>(
    connection,
    sql`select chunk, generation from checked_chunk
         where entity = ${entity} and chunk in (${chunks})`,
  );
  const now = new Map(lines.map(({ chunk, generation }) => [chunk, generation]));
  return new Set(
    checked
      .filter(({ chunk, generation }) => now.get(chunk) === generation)
      .map(({ chunk }) => chunk),
  );
}

function changesIn({ here, there, changed: since }: VerifiedChunk): string {
  const changed = ({ ids, all }: RowDigests) =>
    all.filter((_line, index) => since?.has(ids[index] ?? 0));
  const changes: Changes = { ids: [...(since ?? [])], here: changed(here), there: changed(there) };
  return JSON.stringify(changes);
}

/** Writes what was observed of rows at the destination. */
export async function writeObservations(
  on: Queryable,
  seen: Observation[],
  at: string,
  certainty?: Certainty,
) {
  if (seen.length === 0) return;
  const write = async (connection: PoolConnection) => {
    await invalidate(
      connection,
      seen.map(({ key }) => key),
    );
    await upsertObservations(connection, seen, at, certainty);
  };
  await ('getConnection' in on ? transaction(on, write) : write(on));
}

/**
 * Records that the chunks of these rows are no longer verified. This runs before the sync state of the rows is
 * written, in the same transaction.
 */
async function invalidate(connection: PoolConnection, keys: RowKey[]) {
  const chunks = new Map(
    keys.map(({ entity, id }) => [`${entity} ${chunkOf(id)}`, [entity, chunkOf(id)] as const]),
  );
  // Chunks are locked in a fixed order, so that two writers wait for each other instead of deadlocking.
  const sorted = [...chunks.values()].toSorted(([one, low], [other, high]) =>
    one === other ? low - high : one < other ? -1 : 1,
  );
  await insertRows(
    connection,
    'checked_chunk',
    sorted.map(([entity, chunk]) => ({ entity, chunk, generation: 1 })),
    sql`on duplicate key update generation = generation + 1, digest = null`,
  );
}

/** For each chunk an SQL condition on `row_id` that selects its 1,000 ids. */
export const rowsInChunks = (chunks: number[]): Statement[] =>
  chunks.map((one) => sql`row_id between ${one * CHUNK_SIZE} and ${(one + 1) * CHUNK_SIZE - 1}`);

/** Ids in the given chunks of rows that exist on either side according to the sync state. */
export async function idsInSyncState(on: Queryable, entity: string, chunks: number[]) {
  if (chunks.length === 0) return [];
  const within = join(rowsInChunks(chunks), ' or ');
  const lines = await select<{ id: number }>(
    on,
    sql`select row_id as id from row_state
         where entity = ${entity} and (${within}) and deleted_at is null
         union
        select row_id from destination_state
         where entity = ${entity} and (${within}) and observed_hash is not null`,
  );
  return lines.map(({ id }) => id);
}

/** Forgets every stored digest: a changed name mapping makes them invalid. */
export const invalidateAll = (on: Queryable) =>
  run(on, sql`update checked_chunk set generation = generation + 1, digest = null`);
