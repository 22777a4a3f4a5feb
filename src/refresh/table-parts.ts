// Divides the rows of a table that a refresh must read into parts that are written together.
import type { Entity } from '../catalog/entity.ts';
import type { Batch } from '../comparison/chunks.ts';
import type { Databases } from '../environments/environment.ts';
import { CHUNK_SIZE, chunkOf } from '../rows/row-hashes.ts';
import { isSettled, recordedIn, type Recorded } from '../state/recorded.ts';

/**
 * How many rows of a table are written together. Fewer would be slow, because each write needs some twenty SQL
 * statements however few rows it writes.
 */
const PART = 4 * CHUNK_SIZE;
/** How many rows are compared for each part at most, even if few of them are written. */
const COMPARED = 50 * CHUNK_SIZE;

/**
 * Chunks (ranges of 1,000 ids) of a table whose rows are written together: the last chunk, the ids of the rows that must be
 * read, the ids among them that exist here, and how many rows the chunks have.
 */
export type TablePart = {
  at: string;
  last: number;
  ids: number[];
  here: Set<number>;
  rows: number;
};

/**
 * Divides the rows of a table into parts that are written together. A part consists of whole chunks (ranges of 1,000
 * ids), and at most PART of its rows must be read.
 */
export async function* tableParts(
  here: Databases,
  entity: Entity,
  all: AsyncIterable<Batch>,
  { withSyncState }: { withSyncState: boolean },
): AsyncGenerator<TablePart> {
  let part: TablePart | null = null;
  for await (const batch of all) {
    const others = batch.opened.filter((chunk) => !batch.asBase.has(chunk));
    const recorded = withSyncState ? await recordedIn(here.sql, entity.name, others) : null;
    const idsOf = unsettledOf(batch, recorded);
    const [own = new Map()] = batch.hashes;
    for (const chunk of batch.numbers) {
      const ids = idsOf.get(chunk) ?? [];
      if (part && (part.ids.length + ids.length > PART || part.rows >= COMPARED)) {
        yield part;
        part = null;
      }
      part ??= { at: batch.at, last: chunk, ids: [], here: new Set(), rows: 0 };
      part.last = chunk;
      part.ids.push(...ids);
      for (const id of ids) if (own.has(id)) part.here.add(id);
      part.rows += batch.counts[1]?.get(chunk) ?? 0;
    }
  }
  if (part) yield part;
}

/**
 * Returns, by chunk, the ids of the rows that differ from production’s. With `recorded` (the sync state), also those that
 * are not recorded yet as equal in this environment and the next one.
 */
function unsettledOf({ hashes, asBase }: Batch, recorded: Recorded | null): Map<number, number[]> {
  const [here = new Map(), theirs = new Map(), there = theirs] = hashes;
  const unsettled: number[] = [];
  for (const [id, hash] of theirs) {
    const isSame =
      here.get(id) === hash &&
      (!recorded ||
        (asBase.has(chunkOf(id))
          ? there.get(id) === hash
          : isSettled(recorded, id, { here: hash, there: there.get(id) ?? null })));
    if (!isSame) unsettled.push(id);
  }
  return Map.groupBy(unsettled, chunkOf);
}
