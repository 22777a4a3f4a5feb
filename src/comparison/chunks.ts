// Finds the rows of a table that may differ between environments. The MySQL server of each environment computes one
// digest for each chunk of 1,000 ids. Rows are compared one by one only in chunks whose digests differ. With
// `withSyncState`, rows are also compared in chunks that the sync state (what is known of each row here and at its
// destination) does not record as equal on both sides.
import { isDocument, linksOf, type Entity } from '../catalog/entity.ts';
import { first, sql, type Queryable, type Statement } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import { chunkOf, CHUNK_SIZE, nextId, type RowHashes } from '../rows/row-hashes.ts';
import { settleAll } from '../settle-all.ts';
import { readBaseDigests, type BaseChunk } from '../state/base-chunks.ts';
import type { Mappings } from '../state/name-mapping.ts';
import { chunksWithLines } from '../state/recorded.ts';
import { hashesIn, readSide, uncertainOf } from './chunk-hashes.ts';

export { ahead, prefetch } from '../database/read-ahead.ts';

/**
 * How many chunks one query covers. The number is small, so that reading and comparing overlap: the next chunks are
 * read while these chunks are compared.
 */
const BATCH = 17;

/** The environments whose tables are compared. Each environment is one side of the comparison. */
export type Sides = readonly Environment[];

/**
 * The chunks that one query covered. `opened`: the chunks whose rows must be compared one by one. `hashes` has, for
 * each side, the hashes of the rows in opened chunks; `counts` has, for each side, the number of rows in each chunk.
 * `isCertain`: whether the hashes of a row, if they are equal, are certain to be that of hashOf().
 */
export type Batch = {
  at: string;
  numbers: number[];
  opened: number[];
  hashes: RowHashes[];
  counts: Map<number, number>[];
  bases: Map<number, BaseChunk>;
  isCertain: (id: number) => boolean;
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
  /** Whether equal hashes may be recorded without reading the rows, so that `isCertain` is needed. */
  withCertainty: boolean;
};

/** Yields the chunks of a table in batches, in order of id. The database of the first side contains the sync state. */
export async function* batches(entity: Entity, sides: Sides, walk: Walk): AsyncGenerator<Batch> {
  const mayDiffer = walk.withCertainty ? await uncertainOf(entity, sides) : null;
  let last: Opened = { opened: 0, unequal: 0, numbers: [] };
  for (let begin = await nextOf(entity, sides, walk, walk.from); begin !== null;) {
    const low = chunkOf(begin);
    const { batch, unequal } = await readBatch(entity, sides, walk, { low, last, mayDiffer });
    yield batch;
    last = { opened: batch.opened.length, unequal, numbers: batch.numbers };
    const end = (low + BATCH) * CHUNK_SIZE;
    // If the last chunk of this batch has rows, the next batch probably begins right after it, and is read without
    // looking up its first id.
    const isDense = batch.numbers.at(-1) === low + BATCH - 1;
    begin = isDense ? end : await nextOf(entity, sides, walk, end);
  }
}

/** How many of the chunks `numbers` of a batch were opened, and how many of these because their digests differ. */
type Opened = { opened: number; unequal: number; numbers: number[] };

/** Reads a batch; `last` is the batch before it. `unequal`: how many chunks have different digests. */
async function readBatch(
  entity: Entity,
  sides: Sides,
  walk: Walk,
  { low, last, mayDiffer }: { low: number; last: Opened; mayDiffer: Statement | null },
): Promise<{ batch: Batch; unequal: number }> {
  await refuseWhileUpdating(...sides);
  const high = low + BATCH - 1;
  const at = new Date().toISOString();
  const [here] = sides;
  if (!here) throw new TypeError('There is nothing to compare');
  // Each write of a base chunk (for 1,000 ids, the hashes at which rows were last equal on both sides) raises its
  // generation. The generations are read before the rows, so that writeBases() can skip a base chunk that another
  // process writes meanwhile.
  const [bases, lined] = await settleAll([
    readBaseDigests(here.sql, entity.name, low, high),
    walk.withSyncState
      ? chunksWithLines(here.sql, entity.name, low, high)
      : Promise.resolve(new Set<number>()),
  ]);
  // Where most chunks will probably be opened, the hashes of their rows are read at once, because the server would
  // compute them for the digests and again for the opened chunks. The hashes of the other sides are needed only where
  // digests differ.
  const isMost = (number: number) => number > last.numbers.length / 2;
  const isUnrecorded = walk.withSyncState && bases.size === 0;
  const readsHashes = (index: number) =>
    index === 0 ? isUnrecorded || isMost(last.opened) : isMost(last.unequal);
  const read = await settleAll(
    sides.map((side, index) =>
      readSide(
        side,
        entity,
        { low, high },
        { readsHashes: readsHashes(index), mayDiffer: index === 0 ? mayDiffer : null },
      ),
    ),
  );
  const digests = read.map((one) => one.digests);
  const chosen = walk.along === 'all' ? digests : digests.slice(walk.along, walk.along + 1);
  const numbers = new Set(chosen.flatMap((one) => [...one.keys()]));
  if (walk.along === 'all') for (const chunk of [...bases.keys(), ...lined]) numbers.add(chunk);
  const sorted = [...numbers].toSorted((one, other) => one - other);
  const unequal = new Set(
    sorted.filter((chunk) => {
      const own = digests.map((one) => one.get(chunk));
      return !own.every((one) => one?.digest === own[0]?.digest);
    }),
  );
  const opened = sorted.filter((chunk) => {
    const isRecorded =
      (bases.get(chunk)?.digest ?? null) === (digests[0]?.get(chunk)?.digest ?? null);
    return unequal.has(chunk) || (walk.withSyncState && (lined.has(chunk) || !isRecorded));
  });
  const hashes = await hashesIn(entity, sides, read, { opened, mayDiffer });
  return {
    unequal: unequal.size,
    batch: {
      at,
      numbers: sorted,
      opened,
      bases,
      ...hashes,
      counts: digests.map((one) => new Map([...one].map(([chunk, { rows }]) => [chunk, rows]))),
    },
  };
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
