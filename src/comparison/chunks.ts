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
import { chunksWithLines, recordedIn, type Recorded } from '../state/recorded.ts';
import { hashesIn, readSide, uncertainOf, type SideHashes } from './chunk-hashes.ts';

export { ahead, prefetch } from '../database/read-ahead.ts';

/**
 * How many chunks one query covers. The number is small, so that reading and comparing overlap: the next chunks are
 * read while these chunks are compared. The first batch is smaller, because its rows may have to be hashed twice.
 */
const BATCH = 17;
const FIRST = 4;

/** The environments whose tables are compared. Each environment is one side of the comparison. */
export type Sides = readonly Environment[];

/**
 * The chunks that one query covered. `opened`: the chunks whose rows must be compared one by one. `hashes` has, for
 * each side, the hashes of the rows in opened chunks; `counts` has, for each side, the number of rows in each chunk.
 * `isCertain`: whether the hashes of a row, if they are equal, are certain to be that of hashOf(). `asBase`: the opened
 * chunks in which the hash of every row here is the recorded base of the row, and nothing else is recorded.
 */
export type Batch = {
  at: string;
  numbers: number[];
  opened: number[];
  hashes: RowHashes[];
  counts: Map<number, number>[];
  bases: Map<number, BaseChunk>;
  isCertain: (id: number) => boolean;
  asBase: Set<number>;
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
  const read = (low: number, last?: Digests) =>
    readDigests(entity, sides, walk, {
      low,
      high: low + (last ? BATCH : FIRST) - 1,
      last,
      mayDiffer,
    });
  let next: Promise<Digests> | null = null;
  let last: Digests | undefined;
  try {
    for (let from = walk.from; ;) {
      if (!next) {
        const begin = await nextOf(entity, sides, walk, from);
        if (begin === null) return;
        next = read(chunkOf(begin), last);
      }
      const found: Digests = await next;
      last = found;
      from = (found.high + 1) * CHUNK_SIZE;
      // If the last chunk of this batch has rows, the next batch probably begins right after it, and both servers read it
      // while this batch is compared.
      next = found.numbers.at(-1) === found.high ? read(found.high + 1, found) : null;
      // The next batch may fail before it is awaited. Without this handler, Node would end the process.
      next?.catch(() => {});
      yield await batchOf(entity, sides, found, { walk, mayDiffer });
    }
  } finally {
    await next?.catch(() => {});
  }
}

/** What was read of the chunks `low` to `high` of all sides. `unequal`: the chunks whose digests differ. */
type Digests = Pick<Batch, 'at' | 'numbers' | 'opened' | 'bases'> & {
  high: number;
  lined: Set<number>;
  unequal: number[];
  read: SideHashes[];
};

/** Reads the digests of chunks; `last` is the batch before. */
async function readDigests(
  entity: Entity,
  sides: Sides,
  walk: Walk,
  {
    low,
    high,
    last,
    mayDiffer,
  }: { low: number; high: number; last: Digests | undefined; mayDiffer: Statement | null },
): Promise<Digests> {
  await refuseWhileUpdating(...sides);
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
  const isMost = (chunks: number[] = []) => chunks.length > (last?.numbers.length ?? 0) / 2;
  const isUnrecorded = walk.withSyncState && bases.size === 0;
  const read = await settleAll(
    sides.map((side, index) =>
      index === 0
        ? readSide(
            side,
            entity,
            { low, high },
            { readsHashes: isUnrecorded || isMost(last?.opened), mayDiffer },
          )
        : readSide(
            side,
            entity,
            { low, high },
            { readsHashes: isMost(last?.unequal), mayDiffer: null },
          ),
    ),
  );
  const digests = read.map((one) => one.digests);
  const chosen = walk.along === 'all' ? digests : digests.slice(walk.along, walk.along + 1);
  const present = new Set(chosen.flatMap((one) => [...one.keys()]));
  if (walk.along === 'all') for (const chunk of [...bases.keys(), ...lined]) present.add(chunk);
  const numbers = [...present].toSorted((one, other) => one - other);
  const digestOf = (chunk: number, one = digests[0]) => one?.get(chunk)?.digest ?? null;
  const isEqual = (chunk: number) =>
    digests.every((one) => digestOf(chunk, one) === digestOf(chunk));
  const opened = numbers.filter((chunk) => {
    const isRecorded = (bases.get(chunk)?.digest ?? null) === digestOf(chunk);
    return !isEqual(chunk) || (walk.withSyncState && (lined.has(chunk) || !isRecorded));
  });
  const unequal = opened.filter((chunk) => !isEqual(chunk));
  return { at, numbers, opened, bases, high, lined, unequal, read };
}

/** Reads the hashes of the rows in the opened chunks of a batch. */
async function batchOf(
  entity: Entity,
  sides: Sides,
  { at, numbers, opened, bases, lined, read }: Digests,
  { walk, mayDiffer }: { walk: Walk; mayDiffer: Statement | null },
): Promise<Batch> {
  const { hashes, own, isCertain } = await hashesIn(entity, sides, read, { opened, mayDiffer });
  const isAsBase = (chunk: number) =>
    walk.withSyncState && !lined.has(chunk) && bases.get(chunk)?.digest === own.get(chunk)?.digest;
  const rowsIn = ({ digests }: SideHashes) =>
    new Map([...digests].map(([chunk, { rows }]) => [chunk, rows]));
  return {
    at,
    numbers,
    opened,
    bases,
    hashes,
    counts: read.map(rowsIn),
    isCertain,
    asBase: new Set(opened.filter(isAsBase)),
  };
}

/** Reads what is recorded about the rows in the opened chunks of a batch. */
export async function recordedOf(on: Queryable, { name }: Entity, batch: Batch): Promise<Recorded> {
  const { opened, asBase, hashes } = batch;
  const recorded = await recordedIn(
    on,
    name,
    opened.filter((chunk) => !asBase.has(chunk)),
  );
  if (asBase.size === 0) return recorded;
  for (const [id, hash] of hashes[0] ?? []) {
    if (asBase.has(chunkOf(id))) recorded.bases.set(id, hash);
  }
  return recorded;
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
