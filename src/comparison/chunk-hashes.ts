// Reads what the comparison of a table needs to know of each side: the digests of its chunks (ranges of 1,000 ids), and the
// hashes of the rows in chunks that are compared row by row.
import type { Entity } from '../catalog/entity.ts';
import type { Statement } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { uncertainRows } from '../rows/exact-hashes.ts';
import {
  certainHashesInChunks,
  chunkDigests,
  chunkOf,
  digestsOf,
  hashesInChunks,
  type ChunkDigest,
  type RowHashes,
} from '../rows/row-hashes.ts';
import { settleAll } from '../settle-all.ts';

/** What was read of one side: the digest of each chunk, and the hashes of the rows if they were read at once. */
export type SideHashes = {
  digests: Map<number, ChunkDigest>;
  hashes?: RowHashes;
  uncertain?: Set<number>;
};

/**
 * Returns the SQL condition for rows of the first side whose hash may differ from that of hashOf(). Returns null if the
 * hash of any row may, because the columns of a side have other types than usual.
 */
export async function uncertainOf(
  entity: Entity,
  sides: readonly Environment[],
): Promise<Statement | null> {
  const all = await settleAll(sides.map((side) => uncertainRows(side.sql, entity)));
  return all.includes(null) ? null : (all[0] ?? null);
}

/**
 * Reads the digests of the chunks `low` to `high` of a side. With `readsHashes`, the hashes of all rows are read, and the
 * digests are computed from them.
 */
export async function readSide(
  side: Environment,
  entity: Entity,
  { low, high }: Record<'low' | 'high', number>,
  { readsHashes, mayDiffer }: { readsHashes: boolean; mayDiffer: Statement | null },
): Promise<SideHashes> {
  if (!readsHashes) return { digests: await chunkDigests(side.sql, entity, low, high) };
  const chunks = Array.from({ length: high - low + 1 }, (_one, index) => low + index);
  const found = await readHashes(side, entity, chunks, mayDiffer);
  return { ...found, digests: digestsOf(found.hashes) };
}

async function readHashes(
  { sql: on }: Environment,
  entity: Entity,
  chunks: number[],
  mayDiffer: Statement | null,
): Promise<{ hashes: RowHashes; uncertain: Set<number> }> {
  return mayDiffer
    ? certainHashesInChunks(on, entity, chunks, mayDiffer)
    : { hashes: await hashesInChunks(on, entity, chunks), uncertain: new Set<number>() };
}

/**
 * `hashes`: for each side, the hashes of the rows in opened chunks. `own`: the digests of the first side’s hashes.
 * `isCertain`: whether the hash of a row on the first side is certain to be that of hashOf(), so that an equal hash on
 * another side is, too.
 */
type ReadHashes = {
  hashes: RowHashes[];
  own: Map<number, ChunkDigest>;
  isCertain: (id: number) => boolean;
};

/**
 * Returns, for each side, the hashes of the rows in the chunks `opened`, and reads those that were not read yet. If
 * another side has the same digest of a chunk as the first side, its hashes are copied from the first side, unless rows
 * of the chunk have changed there since the digests were read. `mayDiffer`: the condition of uncertainOf().
 */
export async function hashesIn(
  entity: Entity,
  sides: readonly Environment[],
  read: SideHashes[],
  { opened, mayDiffer }: { opened: number[]; mayDiffer: Statement | null },
): Promise<ReadHashes> {
  const [here] = read;
  const isCopied = ({ hashes, digests }: SideHashes, chunk: number) =>
    !hashes && digests.get(chunk)?.digest === here?.digests.get(chunk)?.digest;
  const [own, ...others] = await settleAll(
    sides.map(async (side, index) => {
      const one = read[index] as SideHashes;
      const { hashes, uncertain = new Set<number>(), digests } = one;
      if (hashes) return { hashes: within(hashes, opened), uncertain };
      const isRead = (chunk: number) =>
        digests.has(chunk) && (index === 0 || !isCopied(one, chunk));
      return readHashes(side, entity, opened.filter(isRead), index === 0 ? mayDiffer : null);
    }),
  );
  if (!here || !own) throw new TypeError('There is nothing to compare');
  const now = here.hashes ? here.digests : digestsOf(own.hashes);
  // If rows have changed here since the digests were read, the digests no longer say that the other sides have equal rows.
  const isStill = (chunk: number) => now.get(chunk)?.digest === here.digests.get(chunk)?.digest;
  const hashes = await settleAll(
    others.map(async (other, index) => {
      const equal = opened.filter((chunk) => isCopied(read[index + 1] as SideHashes, chunk));
      const copied = within(own.hashes, equal.filter(isStill));
      const changed = equal.filter((chunk) => !isStill(chunk));
      const late = await hashesInChunks((sides[index + 1] as Environment).sql, entity, changed);
      const more = [...other.hashes, ...late];
      return more.length === 0 ? copied : new Map([...copied, ...more]);
    }),
  );
  return {
    hashes: [own.hashes, ...hashes],
    own: now,
    isCertain: (id) => mayDiffer !== null && !own.uncertain.has(id),
  };
}

function within(hashes: RowHashes, chunks: number[]): RowHashes {
  const all = new Set(chunks);
  const isWithin = (id: number) => all.has(chunkOf(id));
  return hashes.keys().every(isWithin)
    ? hashes
    : new Map([...hashes].filter(([id]) => isWithin(id)));
}
