// Records which chunks were verified. A chunk is 1,000 row ids that are compared together. For each verified chunk the
// table `checked_chunk` stores the digests (short fingerprints) of its rows on both sides. While both sides still have
// these digests and the sync state is unchanged, the rows of the chunk need not be read.
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
 * The stored record of a chunk. `generation` grows with each write to the sync state of the chunk’s
 * rows. `digest` is null while the chunk is not verified.
 */
export type CheckedChunk = { generation: number; digest: string | null };

/** Computes the digest of a chunk from the digest lines of all its rows on both sides. */
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
 * The stored digest lines of a verified chunk. `changed`: ids of rows whose digest lines changed
 * after the lines of the chunk were stored; their new lines are stored separately.
 */
export type CheckedSides = ChunkSides & { changed: Set<number> };

/**
 * Reads the digest lines of both sides that were stored when these chunks were verified, by chunk
 * number. A chunk without stored lines is missing from the result.
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
 * A chunk to record as verified, if its stored generation still equals `generation`. `changed`: the
 * ids whose digest lines are new; null means that all lines of the chunk are new.
 */
export type VerifiedChunk = ChunkSides & {
  chunk: number;
  generation: number;
  changed: Set<number> | null;
};

const key = ['entity', 'chunk'];

/**
 * Up to this many changed digest lines are stored separately; with more changes, all lines of the
 * chunk are stored again.
 */
const KEPT_APART = 200;

/**
 * Stores the observations made at the time `at`, and records these chunks as verified. If the sync
 * state of a chunk was written meanwhile, the chunk is not recorded as verified, and an observation
 * replaces only older observations.
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
    // A chunk’s digest lines are a long text, which is not written again for a few changed lines.
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

/**
 * Locks the records of these chunks, in rising order so that two writers cannot deadlock. Returns
 * the numbers of the chunks whose generation has not changed.
 */
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

/**
 * Stores observations of rows at the destination, and marks the chunks of these rows as no longer
 * verified.
 */
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
 * Marks the chunks of these rows as no longer verified. This happens in the same transaction that
 * then writes the sync state of the rows.
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

/** Returns for each chunk an SQL condition that selects the chunk’s 1,000 row ids. */
export const rowsInChunks = (chunks: number[]): Statement[] =>
  chunks.map((one) => sql`row_id between ${one * CHUNK_SIZE} and ${(one + 1) * CHUNK_SIZE - 1}`);

/**
 * Returns the row ids in these chunks that exist here or at the destination according to the sync
 * state.
 */
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

/** Deletes the stored digests of all chunks, because a changed name mapping makes them invalid. */
export const invalidateAll = (on: Queryable) =>
  run(on, sql`update checked_chunk set generation = generation + 1, digest = null`);
