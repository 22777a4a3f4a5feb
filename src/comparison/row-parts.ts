// Reads the rows of both sides in order of id, in parts of whole chunks (ranges of 1,000 ids), for a comparison that reads
// all rows.
import type { Entity, Row } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import { CHUNK_SIZE, chunkOf } from '../rows/row-hashes.ts';
import { walk } from '../rows/store.ts';
import { settleAll } from '../settle-all.ts';
import { recordedBetween } from '../state/recorded.ts';

type RowsInPart = { after: number; upTo: number; own: Map<number, Row>; other: Map<number, Row> };

/** Returns the chunks in this range of ids that contain rows or records of the sync state. */
export async function chunksOf(
  { after, upTo, own, other }: RowsInPart,
  here: Environment,
  entity: Entity,
) {
  const read = [...own.keys(), ...other.keys()].map(chunkOf);
  return [...new Set([...read, ...(await recordedBetween(here.sql, entity.name, after, upTo))])];
}

/**
 * Yields the rows of both sides in order of id. Each part consists of whole chunks that were read completely on both
 * sides.
 */
export async function* bothInParts(here: Environment, there: Environment, entity: Entity) {
  // All observations of the destination get the time at which the comparison started, so that they never replace an
  // observation that another process makes during the comparison.
  const at = new Date().toISOString();
  const [mine, theirs] = [
    new ReadAhead(walk(here, entity, -1, CHUNK_SIZE)),
    new ReadAhead(walk(there, entity, -1, CHUNK_SIZE)),
  ];
  try {
    for (let after = -1; after < Number.MAX_SAFE_INTEGER;) {
      await refuseWhileUpdating(here, there);
      await settleAll([mine.fill(), theirs.fill()]);
      const upTo = Math.min(mine.upTo, theirs.upTo);
      yield { at, after, upTo, own: mine.take(upTo), other: theirs.take(upTo) };
      after = upTo;
    }
  } finally {
    await settleAll([mine.close(), theirs.close()]);
  }
}

/** Reads rows in parts, in order of id. Rows of a part beyond the requested ids are kept for the next request. */
class ReadAhead {
  readonly #parts: AsyncIterator<Row[]>;
  #rows: Row[] = [];
  #isEnd = false;

  constructor(parts: AsyncIterable<Row[]>) {
    this.#parts = parts[Symbol.asyncIterator]();
  }

  /**
   * Reads until the buffer contains at least one whole chunk, or all remaining rows. CHUNK_SIZE rows always reach the
   * end of a chunk, because a chunk has only CHUNK_SIZE ids.
   */
  async fill() {
    while (!this.#isEnd && this.#rows.length < CHUNK_SIZE) {
      const next = await this.#parts.next();
      if (next.done) this.#isEnd = true;
      else this.#rows.push(...next.value);
    }
  }

  close = async () => this.#parts.return?.();

  /** The last id of the last chunk that has been read completely. */
  get upTo(): number {
    if (this.#isEnd) return Number.MAX_SAFE_INTEGER;
    return chunkOf((this.#rows.at(-1)?.id ?? -1) + 1) * CHUNK_SIZE - 1;
  }

  take(upTo: number): Map<number, Row> {
    const end = this.#rows.findIndex(({ id }) => id > upTo);
    const taken = this.#rows.splice(0, end === -1 ? this.#rows.length : end);
    return new Map(taken.map((row) => [row.id, row]));
  }
}
