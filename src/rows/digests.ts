// Digest lines: the database server computes a short fingerprint of each row, so that two environments can be compared
// without reading rows. The fingerprint covers every value that transfers write: texts with their lengths, marked
// nulls, and linked names. It has 40 digits of SHA-256, because MySQL 9.6 and later have no SHA1().
import { hash } from 'node:crypto';
import { columnOf, fieldEntries, type Entity } from '../catalog/entity.ts';
import { join, name, select, sql, type Queryable, type Statement } from '../database/sql.ts';
import { cachedFor } from '../database/cached-for.ts';
import { linkTexts } from './links.ts';

/** How many ids a chunk has, whether or not rows with these ids exist. */
export const CHUNK_SIZE = 1000;
export const chunkOf = (id: number) => Math.floor(id / CHUNK_SIZE);

/** The format of a digest line: `<40 digits of the SHA-256 of the content> <id> <modified_at>` */
export type RowDigest = string;
const DIGEST = 40;
export const contentDigest = (line: RowDigest) => line.slice(0, DIGEST);

/**
 * A list of digest lines in order of id. Each id is parsed from its line only once, because
 * comparisons need the ids very often.
 */
export class RowDigests {
  readonly ids: number[] = [];
  readonly all: RowDigest[] = [];

  static from(lines: RowDigest[]): RowDigests {
    const made = new RowDigests();
    for (const line of lines) made.add(Number.parseInt(line.slice(DIGEST + 1), 10), line);
    return made;
  }

  add(id: number, line: RowDigest) {
    this.ids.push(id);
    this.all.push(line);
  }
}

/**
 * Returns a digest line that no row can have, so that the next comparison reads the row with this
 * id.
 */
export const unknownDigest = (id: number): RowDigest => `${'-'.repeat(DIGEST)} ${id} -`;

/**
 * Returns a copy of `lines` in which the digest lines `others` (in any order) replace the lines
 * with the same ids, or are added.
 */
export function replaceDigests(lines: RowDigests, others: Map<number, RowDigest>): RowDigests {
  const made = new RowDigests();
  const sorted = new RowDigests();
  for (const id of [...others.keys()].toSorted((one, other) => one - other)) {
    sorted.add(id, others.get(id) ?? '');
  }
  mergeById(lines, sorted, (id, own, other) => made.add(id, other ?? own ?? ''));
  return made;
}

/**
 * Calls `visit` for every id in either list, in order of id, with the digest line of that id in
 * each list.
 */
export function mergeById(
  one: RowDigests,
  other: RowDigests,
  visit: (id: number, mine: RowDigest | undefined, theirs: RowDigest | undefined) => void,
) {
  let [left, right] = [0, 0];
  while (left < one.ids.length || right < other.ids.length) {
    const [mine, theirs] = [one.ids[left] ?? Infinity, other.ids[right] ?? Infinity];
    const id = Math.min(mine, theirs);
    visit(
      id,
      mine === id ? one.all[left] : undefined,
      theirs === id ? other.all[right] : undefined,
    );
    if (mine === id) left += 1;
    if (theirs === id) right += 1;
  }
}

/** Reads the digest lines of the chunks with the numbers `first` to `last`, by chunk number. */
export async function digestsByChunk(
  on: Queryable,
  entity: Entity,
  first: number,
  last: number,
): Promise<Map<number, RowDigests>> {
  const [from, to] = [first * CHUNK_SIZE, (last + 1) * CHUNK_SIZE];
  const lines = await digestsWhere(on, entity, (id) => sql`${id} >= ${from} and ${id} < ${to}`);
  const found = new Map<number, RowDigests>();
  let own = new RowDigests();
  let chunk = -1;
  for (const [index, id] of lines.ids.entries()) {
    const number = chunkOf(id);
    if (number !== chunk) {
      chunk = number;
      own = new RowDigests();
      found.set(chunk, own);
    }
    own.add(id, lines.all[index] ?? '');
  }
  return found;
}

/** Reads the digest lines of these rows, by id. */
export async function digestsOf(on: Queryable, entity: Entity, ids: number[]) {
  if (ids.length === 0) return new Map<number, RowDigest>();
  const lines = await digestsWhere(on, entity, (id) => sql`${id} in (${ids})`);
  return new Map(lines.ids.map((id, index) => [id, lines.all[index] ?? '']));
}

/**
 * Reads the digest lines of rows that match a condition. `condition`: returns the SQL condition for
 * the id column that is passed to it.
 */
async function digestsWhere(
  on: Queryable,
  entity: Entity,
  condition: (id: Statement) => Statement,
): Promise<RowDigests> {
  const columns = await contentColumns(on, entity);
  const links = await linkTexts(on, entity, condition);
  const rows = await select<{ id: number; line: RowDigest }>(
    on,
    sql`select id, concat_ws(' ', left(sha2(concat_ws('|', ${join(columns, ', ')}), 256), ${DIGEST}), id,
               modified_at) as line
          from ${name(entity.table)}
         where ${condition(sql`id`)} and id <= ${Number.MAX_SAFE_INTEGER}
         order by id`,
  );
  const lines = new RowDigests();
  for (const { id, line } of rows) lines.add(id, withLinks(line, links.get(id)));
  return lines;
}

const withLinks = (line: RowDigest, links: string | undefined): RowDigest =>
  links === undefined
    ? line
    : hash('sha256', contentDigest(line) + links).slice(0, DIGEST) + line.slice(DIGEST);

const texts = new Set(['text', 'long-text', 'link', 'choice', 'image']);

/**
 * Returns SQL for all columns that transfers write. A column that this database lacks counts as
 * `missing`, so that its digest differs from that of a null.
 */
async function contentColumns(on: Queryable, entity: Entity): Promise<Statement[]> {
  const columns = await cachedFor(on, `columns of ${entity.table}`, () =>
    select<{ name: string }>(
      on,
      sql`select column_name as name from information_schema.columns
           where table_schema = database() and table_name = ${entity.table}`,
    ),
  );
  const known = new Set(columns.map((column) => column.name));
  return fieldEntries(entity).flatMap(([field, definition]) => {
    const column = columnOf(field, definition);
    if (definition.local || !column) return [];
    if (!known.has(column)) return sql`'missing'`;
    const value = name(column);
    return texts.has(definition.kind)
      ? sql`coalesce(length(${value}), '-'), ${value}`
      : sql`coalesce(${value}, '-')`;
  });
}

/**
 * Returns the lowest id in a table that is at least `from`. Ids that JavaScript cannot represent
 * exactly belong to other programs and are ignored.
 */
export async function nextId(on: Queryable, table: string, from: number): Promise<number | null> {
  const [line] = await select<{ id: number | null }>(
    on,
    sql`select min(id) as id from ${name(table)}
         where id >= ${from} and id <= ${Number.MAX_SAFE_INTEGER}`,
  );
  return line?.id ?? null;
}
