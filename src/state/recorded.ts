// Reads what is recorded about rows in a range of ids: their entries in the tables `row_state` and `destination_state`,
// and their bases in `base_chunk`.
import type { RowKey } from '../catalog/entity.ts';
import { select, sql, type Queryable, type Statement } from '../database/sql.ts';
import { chunkOf, CHUNK_SIZE, type RowHashes } from '../rows/row-hashes.ts';
import { basesInChunks, readBaseDigests } from './base-chunks.ts';
import type { DestinationHashes } from './destination-state.ts';

/**
 * What is recorded about rows, by row id. `here`: the hashes in `row_state`, null for a row that was deleted here.
 * `there`: the entries in `destination_state`. `bases`: the hashes in `base_chunk`.
 */
export type Recorded = {
  here: Map<number, string | null>;
  there: Map<number, DestinationHashes & { observed_at: string }>;
  bases: RowHashes;
};

/** Reads what is recorded about all rows in these chunks. */
export async function recordedIn(
  on: Queryable,
  entity: string,
  chunks: number[],
): Promise<Recorded> {
  const found: Recorded = { here: new Map(), there: new Map(), bases: new Map() };
  const bases = await basesInChunks(on, entity, chunks);
  for (const one of bases.values()) {
    for (const [id, { hash }] of one) found.bases.set(id, hash);
  }
  if (chunks.length === 0) return found;
  const within = sql`row_id div ${CHUNK_SIZE} in (${chunks}) and ${between(chunks)}`;
  for (const { id, hash } of await select<{ id: number; hash: string | null }>(
    on,
    sql`select row_id as id, if(deleted_at is null, hash, null) as hash from row_state
         where entity = ${entity} and ${within}`,
  )) {
    found.here.set(id, hash);
  }
  for (const line of await select<DestinationHashes & { row_id: number; observed_at: string }>(
    on,
    sql`select row_id, observed_hash, observed_at, base_hash from destination_state
         where entity = ${entity} and ${within}`,
  )) {
    found.there.set(line.row_id, line);
  }
  return found;
}

const between = (chunks: number[]): Statement =>
  sql`row_id between ${Math.min(...chunks) * CHUNK_SIZE} and ${(Math.max(...chunks) + 1) * CHUNK_SIZE - 1}`;

/** Returns the chunks from `low` to `high` with rows that have an entry in `row_state` or `destination_state`. */
export async function chunksWithLines(on: Queryable, entity: string, low: number, high: number) {
  const within = sql`entity = ${entity} and ${between([low, high])}`;
  const lines = await select<{ chunk: number }>(
    on,
    sql`select distinct row_id div ${CHUNK_SIZE} as chunk from row_state where ${within}
         union select row_id div ${CHUNK_SIZE} from destination_state where ${within}`,
  );
  return new Set(lines.map(({ chunk }) => chunk));
}

/**
 * Returns the numbers of the chunks that have recorded rows, from the chunk of the id after `after` to the chunk of
 * `upTo`.
 */
export async function recordedBetween(
  on: Queryable,
  entity: string,
  after: number,
  upTo: number,
): Promise<number[]> {
  const [low, high] = [chunkOf(after + 1), chunkOf(upTo)];
  const bases = await readBaseDigests(on, entity, low, high);
  return [...new Set([...bases.keys(), ...(await chunksWithLines(on, entity, low, high))])];
}

/** Returns which of these rows have an entry in `row_state` or `destination_state`, as a set of ids. */
export async function idsWithLines(on: Queryable, entity: string, ids: number[]) {
  if (ids.length === 0) return new Set<number>();
  const lines = await select<{ id: number }>(
    on,
    sql`select row_id as id from row_state where entity = ${entity} and row_id in (${ids})
         union select row_id from destination_state where entity = ${entity} and row_id in (${ids})`,
  );
  return new Set(lines.map(({ id }) => id));
}

/** What was last known of a row: its hash here, its hash at the destination, and its base. */
export function lastKnown({ here, there, bases }: Recorded, id: number) {
  const base = bases.get(id) ?? null;
  const line = there.get(id);
  const own = here.get(id);
  return {
    // A row without entries is unchanged since its base. A row with an entry only in `destination_state` does not exist
    // here.
    here: own === undefined && !line ? base : (own ?? null),
    there: line ? line.observed_hash : base,
    base: line ? line.base_hash : base,
    hasLine: own !== undefined || line !== undefined,
  };
}

export const keysOf = (entity: string, ids: Iterable<number>): RowKey[] =>
  [...ids].map((id) => ({ entity, id }));

/**
 * Whether the records about a row are right: the hashes on both sides are the recorded ones and, if both sides are
 * equal, their content is the recorded base. A row that exists here and has an entry in `destination_state` must also
 * have one in `row_state`.
 */
export function isSettled(
  recorded: Recorded,
  id: number,
  { here, there }: Record<'here' | 'there', string | null>,
): boolean {
  const known = lastKnown(recorded, id);
  if (!known.hasLine) return here === there && here === known.base;
  if (here !== null && !recorded.here.has(id)) return false;
  const isAsKnown = here === known.here && there === known.there;
  return isAsKnown && (here === null || here !== there || known.base === here);
}

/** Returns the ids of all rows about which something is recorded. */
export const recordedIds = ({ here, there, bases }: Recorded): Set<number> =>
  new Set([...here.keys(), ...there.keys(), ...bases.keys()]);
