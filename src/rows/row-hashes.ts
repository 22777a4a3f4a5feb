// Reads the hashes of rows, and one digest for all rows of a chunk of ids, so that rows can be compared with another
// environment or with a recorded hash without reading them. MySQL computes each hash (hash-in-sql.ts).
import { hash } from 'node:crypto';
import { keyText, type Entity, type RowKey } from '../catalog/entity.ts';
import { isInstant } from '../catalog/misfits.ts';
import { isAmong, rangesOf } from '../database/ranges.ts';
import {
  fromSqlInstant,
  join,
  name,
  select,
  sql,
  unionAll,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { HASH_LENGTH, hashesWhere } from './hash-in-sql.ts';
import { byEntity } from './store.ts';

/** The number of ids in a chunk (a range of ids of a table), whether or not rows with these ids exist. */
export const CHUNK_SIZE = 1000;
export const chunkOf = (id: number) => Math.floor(id / CHUNK_SIZE);
export const LAST_CHUNK = chunkOf(Number.MAX_SAFE_INTEGER);

/** The hashes of rows, by id. */
export type RowHashes = Map<number, string>;
/** How many rows a chunk (a range of 1,000 ids) has, and one digest for the ids and hashes of all of them. */
export type ChunkDigest = { rows: number; digest: string };

/**
 * Reads the digests of the chunks (ranges of 1,000 ids) with the numbers `first` to `last`. Returns them by chunk
 * number; chunks without rows are missing.
 */
export async function chunkDigests(
  on: Queryable,
  entity: Entity,
  first: number,
  last: number,
): Promise<Map<number, ChunkDigest>> {
  const hashes = await hashesWhere(on, entity, (id) => between(id, first, last));
  const lines = await select<ChunkDigest & { chunk: number }>(
    on,
    sql`select id div ${CHUNK_SIZE} as chunk, count(*) as \`rows\`,
               sha2(group_concat(concat(id, ' ', hash) order by id separator '\n'), 256) as digest
          from (${hashes}) hashed
         group by id div ${CHUNK_SIZE}`,
  );
  return new Map(lines.map(({ chunk, rows, digest }) => [chunk, { rows, digest }]));
}

/**
 * Computes the digests of chunks from hashes of rows that were already read, in rising order of id. Equal rows give the
 * same digests as chunkDigests(), which lets MySQL compute them.
 */
export function digestsOf(hashes: RowHashes): Map<number, ChunkDigest> {
  const digests = new Map<number, ChunkDigest>();
  let own: [number, string][] = [];
  let chunk = -1;
  const end = () => digests.set(chunk, { rows: own.length, digest: digestOf(own) });
  for (const line of hashes) {
    if (chunkOf(line[0]) !== chunk) {
      if (own.length > 0) end();
      [own, chunk] = [[], chunkOf(line[0])];
    }
    own.push(line);
  }
  if (own.length > 0) end();
  return digests;
}

/** Computes the digest of a chunk (a range of 1,000 ids) from the ids and hashes of its rows, in rising order of id. */
export const digestOf = (hashes: [id: number, hash: string][]): string =>
  hash('sha256', hashes.map(([id, one]) => `${id} ${one}`).join('\n'));

/** Reads the hashes of all rows whose ids are in these chunks (ranges of 1,000 ids), in order of id. */
export async function hashesInChunks(
  on: Queryable,
  entity: Entity,
  chunks: number[],
): Promise<RowHashes> {
  if (chunks.length === 0) return new Map();
  const lines = await select<{ id: number; hash: string }>(
    on,
    sql`${await hashesWhere(on, entity, within(chunks))} order by id`,
  );
  return new Map(lines.map(({ id, hash }) => [id, hash]));
}

/**
 * Reads the hashes of all rows in these chunks, as hashesInChunks() does. `uncertain`: the ids of the rows whose hash may
 * differ from that of hashOf(), so that the program must read them. `mayDiffer`: the SQL condition for these rows, which
 * uncertainRows() returns.
 */
export async function certainHashesInChunks(
  on: Queryable,
  entity: Entity,
  chunks: number[],
  mayDiffer: Statement,
): Promise<{ hashes: RowHashes; uncertain: Set<number> }> {
  if (chunks.length === 0) return { hashes: new Map(), uncertain: new Set() };
  const mustBeRead = sql`, ${mayDiffer} as mustBeRead`;
  const lines = await select<{ id: number; hash: string; mustBeRead: number }>(
    on,
    sql`${await hashesWhere(on, entity, within(chunks), { alongside: mustBeRead })} order by id`,
  );
  const uncertain = lines.filter((one) => one.mustBeRead || one.hash.length !== HASH_LENGTH);
  return {
    hashes: new Map(lines.map(({ id, hash }) => [id, hash])),
    uncertain: new Set(uncertain.map(({ id }) => id)),
  };
}

const within = (chunks: number[]) => (id: Statement) =>
  sql`(${join(
    rangesOf(chunks).map(([from, to]) => between(id, from, to)),
    ' or ',
  )})`;

/** The hash of all fields of a row, and its `modified_at`; null if it has no valid one. */
type StoredHash = { entity: string; id: number; hash: string; modified_at: string | null };

/**
 * Reads with one statement the hash that fullHashOf() computes, and the `modified_at`, of rows of one or more tables, by
 * key text. A row that does not exist is missing. `others`: more rows, of which no hash is computed; theirs is empty.
 */
export async function storedHashes(
  on: Queryable,
  keys: RowKey[],
  others: RowKey[] = [],
): Promise<Map<string, StoredHash>> {
  const existing = [...byEntity(others)].map(
    ([entity, ids]) =>
      sql`select r.id, '' as hash, ${entity.name} as entity, r.modified_at
            from ${name(entity.table)} r where ${isAmong(sql`r.id`, ids)}`,
  );
  const parts = await Promise.all(
    [...byEntity(keys)].map(([entity, ids]) => {
      const alongside = sql`, ${entity.name} as entity, r.modified_at`;
      const among = (id: Statement) => isAmong(id, ids);
      return hashesWhere(on, entity, among, { ofAllFields: true, alongside });
    }),
  );
  // A row may be among `keys` and `others`; then the line with its hash, which comes later, counts.
  const all = [...existing, ...parts];
  if (all.length === 0) return new Map();
  const stored = await select<StoredHash>(on, unionAll(all));
  // Rows that were written together share their timestamp, so each timestamp is parsed once.
  const instants = new Map<string | null, string | null>([[null, null]]);
  const instantOf = (text: string) => {
    const instant = fromSqlInstant(text);
    return isInstant(instant) ? instant : null;
  };
  const found = new Map<string, StoredHash>();
  for (const line of stored) {
    const text = line.modified_at;
    if (text !== null && !instants.has(text)) instants.set(text, instantOf(text));
    line.modified_at = instants.get(text) ?? null;
    found.set(keyText(line), line);
  }
  return found;
}

const between = (id: Statement, first: number, last: number) =>
  sql`${id} >= ${first * CHUNK_SIZE} and ${id} < ${(last + 1) * CHUNK_SIZE}`;

/** The first id in a table that is at least `from`; null when there is none. */
export async function nextId(on: Queryable, table: string, from: number): Promise<number | null> {
  const [line] = await select<{ id: number | null }>(
    on,
    sql`select min(id) as id from ${name(table)} where id >= ${from} and id <= ${Number.MAX_SAFE_INTEGER}`,
  );
  return line?.id ?? null;
}

/** Returns the highest id of a table between `from` and `to`, as an array; an empty array if no row has such an id. */
export async function highestIds(
  on: Queryable,
  { table }: Entity,
  { from, to }: { from: number; to: number },
): Promise<number[]> {
  const [line] = await select<{ id: number | null }>(
    on,
    sql`select max(id) as id from ${name(table)} where id between ${from} and ${to}`,
  );
  return line?.id ? [line.id] : [];
}
