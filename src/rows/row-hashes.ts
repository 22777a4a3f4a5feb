// Lets MySQL compute the hash of a row, equal to that of hashOf(), so that the row can be compared with another
// environment or with a recorded hash without reading it. In a few cases, which exact-hashes.ts finds, the hash differs
// from that of hashOf(), and equal rows may have different hashes. The program then reads the row and compares its
// content.
import { hash } from 'node:crypto';
import {
  columnOf,
  fieldEntries,
  keyText,
  linksOf,
  type Entity,
  type RowKey,
} from '../catalog/entity.ts';
import type { Field } from '../catalog/fields.ts';
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
import { linkColumn, linkTexts } from './links.ts';
import { byEntity } from './store.ts';
import { columnsOfTable, type Column } from './table-columns.ts';

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

/** The digits of a hash. What MySQL returns for a row that it could not hash is shorter. */
const HASH_LENGTH = 64;

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
  return new Map(
    stored.map(({ modified_at: text, ...one }) => {
      if (text !== null && !instants.has(text)) instants.set(text, instantOf(text));
      return [keyText(one), { ...one, modified_at: instants.get(text) ?? null }];
    }),
  );
}

const between = (id: Statement, first: number, last: number) =>
  sql`${id} >= ${first * CHUNK_SIZE} and ${id} < ${(last + 1) * CHUNK_SIZE}`;

/**
 * SQL that selects id and hash of rows; `condition` returns the SQL condition for the column of ids that it is given.
 * `ofAllFields`: the hash covers local fields, too. `alongside`: more columns to select.
 */
async function hashesWhere(
  on: Queryable,
  entity: Entity,
  condition: (id: Statement) => Statement,
  { ofAllFields = false, alongside = sql`` } = {},
): Promise<Statement> {
  const columns = await columnsOfTable(on, entity.table);
  const fields = fieldEntries(entity)
    .filter(([, { local }]) => ofAllFields || !local)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([field, definition]) => {
      const text = definition.links
        ? sql`coalesce(${linkColumn(field)}, '[]')`
        : textOfColumn(field, definition, columns);
      return text ? [{ quoted: JSON.stringify(field), text }] : [];
    });
  const parts = fields.map(({ quoted, text }, index) => {
    const before = `${index === 0 ? `${entity.name}\n` : ','}${quoted}:`;
    return sql`${before}, ${text}`;
  });
  const joined = join(
    linksOf(entity).map(({ field, links }) => linkTexts(entity, field, links, condition)),
    ' ',
  );
  // The server returns NULL for a text that is longer than its max_allowed_packet. Such a row counts as different from
  // any other, so that the program reads it.
  return sql`select r.id, coalesce(sha2(concat(${join(parts, ', ')}), 256), concat(uuid())) as hash${alongside}
               from ${name(entity.table)} r ${joined}
              where ${condition(sql`r.id`)} and r.id <= ${Number.MAX_SAFE_INTEGER}`;
}

type Columns = Map<string, Column>;

/** SQL for the JSON text of a column, in utf8mb4; null for a column that this database lacks. */
function textOfColumn(field: string, definition: Field, columns: Columns): Statement | null {
  const column = columnOf(field, definition);
  const stored = column && columns.get(column);
  if (!stored) return null;
  const value = sql`r.${name(column)}`;
  const asJson = jsonOf[definition.kind];
  if (asJson) return asJson(value);
  // Converting a text takes as long as hashing it, so texts that are in utf8mb4 already are not converted.
  const text = stored.charset === 'utf8mb4' ? value : sql`convert(${value} using utf8mb4)`;
  return sql`coalesce(json_quote(${text}), 'null')`;
}

const number = (value: Statement) => sql`coalesce(${value}, 'null')`;

/** SQL for the JSON text of a stored value that is no text, by kind of field. */
const jsonOf: Record<string, (value: Statement) => Statement> = {
  integer: number,
  reference: number,
  flag: (value) => sql`if(${value}, 'true', 'false')`,
  instant: (value) =>
    sql`coalesce(concat('"', replace(cast(${value} as char), ' ', 'T'),
                        if(locate('.', cast(${value} as char)) > 0, '', '.000'), 'Z"'), 'null')`,
};

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
