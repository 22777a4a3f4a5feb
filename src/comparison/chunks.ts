// Finds the rows of a table that may differ between environments. The MySQL server of each environment computes one
// digest for each chunk of 1,000 ids. Rows are compared one by one only in chunks whose digests differ. With
// `withSyncState`, rows are also compared in chunks that the sync state (what is known of each row here and at its
// destination) does not record as equal on both sides.
import { isDocument, linksOf, type Entity } from '../catalog/entity.ts';
import { first, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import {
  chunkDigests,
  chunkOf,
  CHUNK_SIZE,
  digestsOf,
  hashesInChunks,
  nextId,
  type ChunkDigest,
  type RowHashes,
} from '../rows/row-hashes.ts';
import { settleAll } from '../settle-all.ts';
import { readBaseDigests, type BaseChunk } from '../state/base-chunks.ts';
import type { Mappings } from '../state/name-mapping.ts';
import { chunksWithLines } from '../state/recorded.ts';

export { prefetch } from '../database/read-ahead.ts';

/**
 * How many chunks one query covers. The number is small, so that reading and comparing overlap: the next chunks are
 * read while these chunks are compared.
 */
const BATCH = 34;

/** The environments whose tables are compared. Each environment is one side of the comparison. */
export type Sides = readonly Environment[];

/**
 * The chunks that one query covered. `opened`: the chunks whose rows must be compared one by one. `hashes` has, for
 * each side, the hashes of the rows in opened chunks; `counts` has, for each side, the number of rows in each chunk.
 */
export type Batch = {
  at: string;
  numbers: number[];
  opened: number[];
  hashes: RowHashes[];
  counts: Map<number, number>[];
  bases: Map<number, BaseChunk>;
};

export type Walk = {
  /** The id at which the search for chunks begins. */
  from: number;
  /**
   * Which chunks are compared. `all`: the chunks in which any environment has rows or the sync state has records. An
   * index of `Sides`: the chunks in which that environment has rows.
   */
  along: 'all' | number;
  /**
   * Whether the rows of a chunk are also compared if one of them has a record in row_state or destination_state, or if
   * their hashes differ from the hashes in base_chunk.
   */
  withSyncState: boolean;
};

/** Yields the chunks of a table in batches, in order of id. The database of the first side contains the sync state. */
export async function* batches(entity: Entity, sides: Sides, walk: Walk): AsyncGenerator<Batch> {
  let readsHashes = false;
  for (let begin = await nextOf(entity, sides, walk, walk.from); begin !== null;) {
    const low = chunkOf(begin);
    const batch = await readBatch(entity, sides, walk, { low, readsHashes });
    yield batch;
    // If most chunks had to be opened, most of the next batch probably have to be, too. Their hashes are then read at
    // once, because the servers would compute them for the digests and again for the opened chunks.
    readsHashes = batch.opened.length > batch.numbers.length / 2;
    const end = (low + BATCH) * CHUNK_SIZE;
    // If the last chunk of this batch has rows, the next batch probably begins right after it, and is read without
    // looking up its first id.
    const isDense = batch.numbers.at(-1) === low + BATCH - 1;
    begin = isDense ? end : await nextOf(entity, sides, walk, end);
  }
}

/** `readsHashes`: whether the hashes of all rows are read, and the digests are computed from them here. */
async function readBatch(
  entity: Entity,
  sides: Sides,
  walk: Walk,
  { low, readsHashes }: { low: number; readsHashes: boolean },
): Promise<Batch> {
  await refuseWhileUpdating(...sides);
  const high = low + BATCH - 1;
  const at = new Date().toISOString();
  const [here] = sides;
  if (!here) throw new TypeError('There is nothing to compare');
  // Each write of a base chunk (for 1,000 ids, the hashes at which rows were last equal on both sides) raises its
  // generation. The generations are read before the rows, so that writeBases() can skip a base chunk that another
  // process writes meanwhile.
  const bases = await readBaseDigests(here.sql, entity.name, low, high);
  const lined = walk.withSyncState
    ? await chunksWithLines(here.sql, entity.name, low, high)
    : new Set<number>();
  const chunks = Array.from({ length: BATCH }, (_one, index) => low + index);
  const all = readsHashes
    ? await settleAll(sides.map((side) => hashesInChunks(side.sql, entity, chunks)))
    : null;
  const digests =
    all?.map(digestsOf) ??
    (await settleAll(sides.map((side) => chunkDigests(side.sql, entity, low, high))));
  const chosen = walk.along === 'all' ? digests : digests.slice(walk.along, walk.along + 1);
  const numbers = new Set(chosen.flatMap((one) => [...one.keys()]));
  if (walk.along === 'all') for (const chunk of [...bases.keys(), ...lined]) numbers.add(chunk);
  const sorted = [...numbers].toSorted((one, other) => one - other);
  const opened = sorted.filter((chunk) => {
    const own = digests.map((one) => one.get(chunk));
    const isEqual = own.every((one) => one?.digest === own[0]?.digest);
    const isRecorded = (bases.get(chunk)?.digest ?? null) === (own[0]?.digest ?? null);
    return !isEqual || (walk.withSyncState && (lined.has(chunk) || !isRecorded));
  });
  return {
    at,
    numbers: sorted,
    opened,
    bases,
    hashes:
      all?.map((hashes) => within(hashes, new Set(opened))) ??
      (await hashesOf(entity, sides, opened, digests)),
    counts: digests.map((one) => new Map([...one].map(([chunk, { rows }]) => [chunk, rows]))),
  };
}

const within = (hashes: RowHashes, chunks: Set<number>): RowHashes =>
  new Map([...hashes].filter(([id]) => chunks.has(chunkOf(id))));

/**
 * Reads the hashes of the rows in opened chunks. If another side has the same digest of a chunk as the first side, its
 * hashes are copied from the first side.
 */
async function hashesOf(
  entity: Entity,
  sides: Sides,
  opened: number[],
  digests: Map<number, ChunkDigest>[],
): Promise<RowHashes[]> {
  const [first] = digests;
  const isAsFirst = (index: number, chunk: number) =>
    index > 0 && digests[index]?.get(chunk)?.digest === first?.get(chunk)?.digest;
  const [own, ...others] = await settleAll(
    sides.map((side, index) =>
      hashesInChunks(
        side.sql,
        entity,
        opened.filter((chunk) => digests[index]?.has(chunk) && !isAsFirst(index, chunk)),
      ),
    ),
  );
  for (const [index, hashes] of others.entries()) {
    for (const [id, hash] of own ?? []) if (isAsFirst(index + 1, chunkOf(id))) hashes.set(id, hash);
  }
  return [own ?? new Map(), ...others];
}

/**
 * Returns the lowest id for which an environment has a row or the sync state has a record; null if there is none. The
 * search starts at the first id of the chunk that contains `from`. If `along` is an index, only that environment is
 * searched.
 */
async function nextOf(
  entity: Entity,
  sides: Sides,
  { along }: Walk,
  from: number,
): Promise<number | null> {
  const begin = chunkOf(from) * CHUNK_SIZE;
  const asked = along === 'all' ? sides : sides.slice(along, along + 1);
  const ids = await settleAll(asked.map((side) => nextId(side.sql, entity.table, begin)));
  if (along === 'all' && sides[0]) ids.push(await nextRecorded(sides[0].sql, entity, begin));
  const found = ids.filter((id) => id !== null);
  return found.length === 0 ? null : Math.min(...found);
}

async function nextRecorded(on: Queryable, { name }: Entity, from: number) {
  const line = await first<{ id: number | null }>(
    on,
    sql`select min(id) as id from (
          select min(row_id) as id from row_state where entity = ${name} and row_id >= ${from}
          union all
          select min(row_id) from destination_state where entity = ${name} and row_id >= ${from}
          union all
          select min(chunk) * ${CHUNK_SIZE} from base_chunk
           where entity = ${name} and chunk >= ${chunkOf(from)} and length(bases) > 0) known`,
  );
  return line?.id ?? null;
}

/**
 * Whether MySQL computes hashes for this entity, and equal hashes prove that two rows are equal. The hash of a row
 * contains the stored names of its linked rows. If a name mapping exists (`Pune` here is `Poona` at the destination),
 * hashes prove nothing for entities with links.
 */
export const isComparedByDigest = (entity: Entity, mappings: Mappings) =>
  !isDocument(entity) && (mappings.size === 0 || linksOf(entity).length === 0);
