// Compares MySQL tables in chunks of 1,000 row ids. The database server of each environment computes a digest (a short
// fingerprint) of every row; rows are read only in chunks that changed since they were last verified.
import { linksOf, type Entity } from '../catalog/entity.ts';
import { prefetch } from '../database/read-ahead.ts';
import { first, sql, type Queryable } from '../database/sql.ts';
import {
  digestsByChunk,
  RowDigests,
  nextId,
  mergeById,
  CHUNK_SIZE,
  chunkOf,
  type RowDigest,
} from '../rows/digests.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import type { Environment } from '../environments/environment.ts';
import { settleAll } from '../settle-all.ts';
import {
  chunkDigest,
  idsInSyncState,
  readCheckedChunks,
  readCheckedSides,
  type CheckedChunk,
  type ChunkSides,
} from '../state/checked-chunks.ts';
import type { Mappings } from '../state/name-mapping.ts';

export { prefetch };

/**
 * One query reads the digests of this many chunks: enough to need few queries, and few enough to
 * read the next batch ahead while this one is processed.
 */
const BATCH = 34;

export type Chunk = CheckedChunk &
  ChunkSides & {
    chunk: number;
    source: RowDigests;
    /**
     * The ids of rows that changed after the chunk was verified, so that their sync state may be
     * wrong. Null means that the chunk is not verified, so every id in it counts.
     */
    unsure: Set<number> | null;
    /**
     * The ids whose digest lines are stored separately (see state/checked-chunks.ts); null if the
     * stored lines were not read.
     */
    changed: Set<number> | null;
  };
/** Chunks that are processed together. `ids`: the ids of their rows that must be read. */
export type Part = { at: string; chunks: Chunk[]; ids: number[] };
/**
 * The environments to compare. `source`: during a refresh, the environment from which rows are
 * copied; only chunks with rows in the source are then compared.
 */
export type Places = { here: Environment; there: Environment | null; source: Environment | null };

export type Walk = {
  from: number;
  /** Whether to treat every chunk as not verified, whatever is recorded about it. */
  ignoresChecked: boolean;
  /** Returns the ids of a chunk’s rows that must be read. */
  wanted: (chunk: Chunk) => Iterable<number>;
};

/** Yields the chunks of a table in order, beginning with the chunk that contains the id `from`. */
export async function* chunkParts(
  entity: Entity,
  places: Places,
  { from, ignoresChecked, wanted }: Walk,
): AsyncGenerator<Part> {
  const runs = prefetch(batchesOf(entity, places, from), async (run) => {
    if (!ignoresChecked) await findUnsure(places.here.sql, entity, run.chunks);
    return run;
  });
  for await (const { at, chunks } of runs) {
    let part: Part = { at, chunks: [], ids: [] };
    for (const chunk of chunks) {
      const ids = [...wanted(chunk)];
      if (part.ids.length + ids.length > CHUNK_SIZE && part.chunks.length > 0) {
        yield part;
        part = { at, chunks: [], ids: [] };
      }
      part.chunks.push(chunk);
      part.ids.push(...ids);
    }
    if (part.chunks.length > 0) yield part;
  }
}

type Batch = { at: string; chunks: Chunk[] };

async function* batchesOf(entity: Entity, places: Places, from: number): AsyncGenerator<Batch> {
  for (let begin: number | null = await nextOf(entity, places, from); begin !== null;) {
    const low = chunkOf(begin);
    const run = await readBatch(entity, places, low);
    yield run;
    const end = (low + BATCH) * CHUNK_SIZE;
    // If the last chunk of this batch has rows, the next chunk probably has rows, too, so the query
    // for the next existing id is skipped.
    const isDense = run.chunks.at(-1)?.chunk === low + BATCH - 1;
    begin = isDense ? end : await nextOf(entity, places, end);
  }
}

const nextOf = (entity: Entity, { here, there, source }: Places, from: number) =>
  source
    ? nextId(source.sql, entity.table, chunkOf(from) * CHUNK_SIZE)
    : nextAnywhere(entity, here, there, chunkOf(from) * CHUNK_SIZE);

async function readBatch(
  entity: Entity,
  { here, there, source }: Places,
  low: number,
): Promise<Batch> {
  const stops = [...new Set([here, there, source])].filter((stop) => stop !== null);
  await refuseWhileUpdating(...(source ? [here, source] : stops));
  const high = low + BATCH - 1;
  const at = new Date().toISOString();
  // The generation (which each write of sync state raises) is read before the digests, so that a
  // write between these two reads is noticed.
  const known = await readCheckedChunks(here.sql, entity.name, low, high);
  const digests = await settleAll(stops.map((stop) => digestsByChunk(stop.sql, entity, low, high)));
  const linesOf = (stop: Environment | null, chunk: number) =>
    (stop && digests[stops.indexOf(stop)]?.get(chunk)) ?? new RowDigests();
  const numbers = source
    ? [...(digests[stops.indexOf(source)]?.keys() ?? [])]
    : await withSyncState(here.sql, entity, low, high, [
        ...new Set(digests.flatMap((lines) => [...lines.keys()])),
      ]);
  const chunks = numbers
    .toSorted((one, other) => one - other)
    .map((chunk): Chunk => ({
      generation: 0,
      digest: null,
      ...known.get(chunk),
      chunk,
      unsure: null,
      changed: null,
      here: linesOf(here, chunk),
      there: linesOf(there, chunk),
      source: linesOf(source, chunk),
    }));
  return { at, chunks };
}

/**
 * Finds in each chunk the ids whose digest lines differ from those stored when the chunk was
 * verified.
 */
async function findUnsure(on: Queryable, { name }: Entity, chunks: Chunk[]) {
  const moved = [];
  for (const one of chunks) {
    if (one.digest === chunkDigest(one)) one.unsure = new Set();
    else if (one.digest !== null) moved.push(one);
  }
  const known = await readCheckedSides(
    on,
    name,
    moved.map(({ chunk }) => chunk),
  );
  for (const one of moved) {
    const was = known.get(one.chunk);
    if (!was) continue;
    one.changed = was.changed;
    const unsure = new Set<number>();
    const doubt = (id: number, before: RowDigest | undefined, after: RowDigest | undefined) => {
      if (before !== after) unsure.add(id);
    };
    mergeById(was.here, one.here, doubt);
    mergeById(was.there, one.there, doubt);
    one.unsure = unsure;
  }
}

/**
 * Returns the lowest id from `from` on that exists here, at the destination, or in the sync state;
 * null if there is none.
 */
async function nextAnywhere(
  entity: Entity,
  here: Environment,
  there: Environment | null,
  from: number,
) {
  const inSyncState = await first<{ id: number | null }>(
    here.sql,
    sql`select least(coalesce(s.id, t.id), coalesce(t.id, s.id)) as id
          from (select min(row_id) as id from row_state
                 where entity = ${entity.name} and row_id >= ${from}) s,
               (select min(row_id) as id from destination_state
                 where entity = ${entity.name} and row_id >= ${from}) t`,
  );
  const ids = [
    inSyncState?.id ?? null,
    await nextId(here.sql, entity.table, from),
    there && (await nextId(there.sql, entity.table, from)),
  ].filter((id) => id !== null);
  return ids.length === 0 ? null : Math.min(...ids);
}

/**
 * Adds chunks that have no rows any more but that the sync state still lists, so that deletions are
 * noticed.
 */
async function withSyncState(
  on: Queryable,
  { name }: Entity,
  low: number,
  high: number,
  numbers: number[],
): Promise<number[]> {
  const known = new Set(numbers);
  const gaps = [];
  for (let one = low; one <= high; one += 1) if (!known.has(one)) gaps.push(one);
  const ids = await idsInSyncState(on, name, gaps);
  return [...numbers, ...new Set(ids.map(chunkOf))];
}

/**
 * Whether equal digests prove that rows of this entity are equal. Digests contain the stored names of linked
 * rows, so they prove nothing if the entity has links and a name mapping exists (`Pune` here is `Poona` at the
 * destination).
 */
export const isComparedByDigest = (entity: Entity, mappings: Mappings) =>
  mappings.size === 0 || linksOf(entity).length === 0;
