// Up to where the books were found to be right: digests of what stood on both sides then. As long as the same
// stands there, and nobody wrote books, nothing of that chunk need be read again.
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
/** Of a chunk that was never checked: generation 0 and no digest. */
export type CheckedChunk = { generation: number; digest: string | null };

/** Of both sides, in order of id. */
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

/** `since`: ids whose lines are kept apart, because they moved after the others were written. */
export type CheckedSides = ChunkSides & { changed: Set<number> };

/** What stood on both sides when the books of these chunks were right, where that is known. */
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
 * Lines of a chunk for which the books are right, unless they were written since its generation was read. Only those
 * `since` are new; null when all are.
 */
export type VerifiedChunk = ChunkSides & {
  chunk: number;
  generation: number;
  changed: Set<number> | null;
};

const key = ['entity', 'chunk'];

/** So many changed lines are kept apart before all are written again. */
const KEPT_APART = 200;

/**
 * Writes what was seen, and with it the lines for which the books are right from then on. Where somebody wrote books
 * meanwhile, what was seen is only news, and older than theirs.
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
    // The long texts are not rewritten for the sake of a few lines.
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

/** Locks these chunks, in their order; answers those that are as they were when their generation was read. */
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

/** Writes what was seen of rows at the destination, whoever saw it. */
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

/** Books of these rows are written by somebody: in the same transaction, before them. */
async function invalidate(connection: PoolConnection, keys: RowKey[]) {
  const chunks = new Map(
    keys.map(({ entity, id }) => [`${entity} ${chunkOf(id)}`, [entity, chunkOf(id)] as const]),
  );
  // In one order, so that two who write the books of many wait for each other and do not lock each other out.
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

/** Lines of the books about rows in these chunks, a condition each. */
export const rowsInChunks = (chunks: number[]): Statement[] =>
  chunks.map((one) => sql`row_id between ${one * CHUNK_SIZE} and ${(one + 1) * CHUNK_SIZE - 1}`);

/** Ids in these chunks that the books know as standing, here or there. */
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

/** Names are mapped otherwise from now on: nothing that was checked holds. */
export const invalidateAll = (on: Queryable) =>
  run(on, sql`update checked_chunk set generation = generation + 1, digest = null`);
