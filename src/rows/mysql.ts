// Reads rows stored in MySQL in bulk.
import { readField, readModified } from '../catalog/misfits.ts';
import {
  columnOf,
  derivedFrom,
  fieldEntries,
  type Draft,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import {
  byPrimaryKey,
  fromSqlInstant,
  name,
  select,
  sql,
  type Statement,
} from '../database/sql.ts';
import { cachedFor } from '../database/cached-for.ts';
import { isAmong } from '../database/ranges.ts';
import { linkColumns, readLinks } from './links.ts';
import { changedAfter, condition, orderOf, readable } from './mysql-questions.ts';
import {
  byId,
  isNarrowed,
  UNREADABLE,
  type Cursor,
  type FoundRows,
  type Query,
  type RowFilter,
  type RowOrder,
  type Store,
} from './query.ts';
import { mayBeNamed } from './text-columns.ts';
import type { Databases } from '../environments/environment.ts';

type Stored = Record<string, unknown> & { id: number };

async function read({ sql: on }: Databases, entity: Entity, ids: number[]): Promise<Row[]> {
  const stored = await select<Stored>(
    on,
    sql`${rowsOf(entity)} where ${isAmong(sql`id`, ids)} order by id`,
  );
  return toRows(entity, stored);
}

/** Reads the rows whose reference `field` points to one of `targets`. */
async function readBy(
  { sql: on }: Databases,
  entity: Entity,
  field: string,
  targets: number[],
): Promise<Row[]> {
  const stored = await select<Stored>(
    on,
    sql`${rowsOf(entity)} where ${isAmong(name(`${field}_id`), targets)} order by id`,
  );
  return toRows(entity, stored);
}

/** Yields all rows with ids above `after`, in order of id and in parts of `size` rows. */
async function* walk({ sql: on }: Databases, entity: Entity, after: number, size: number) {
  for (let last = after; ;) {
    const stored = await select<Stored>(
      on,
      sql`${rowsOf(entity)} where id > ${last} and ${readable} order by id limit ${size}`,
    );
    if (stored.length === 0) return;
    yield toRows(entity, stored);
    last = stored.at(-1)?.id ?? last;
  }
}

/**
 * Reads the next rows in the order of their last change. Rows without a valid timestamp (such as 0000-00-00) come
 * before all others.
 */
async function readChangedAfter(
  { sql: on }: Databases,
  entity: Entity,
  cursor: Cursor,
  limit: number,
): Promise<Row[]> {
  const found: Stored[] = [];
  for (const { where, order } of changedAfter(sql`modified_at`, sql`id`, cursor)) {
    if (found.length < limit) {
      found.push(
        ...(await select<Stored>(
          on,
          sql`${rowsOf(entity)} where ${readable} and ${where}
               order by ${order} limit ${limit - found.length}`,
        )),
      );
    }
  }
  return toRows(entity, found);
}

async function count({ sql: on }: Databases, entity: Entity): Promise<number> {
  const [counted] = await select<{ total: number }>(
    on,
    sql`select count(*) as total from ${name(entity.table)} where ${readable}`,
  );
  return counted?.total ?? 0;
}

async function find({ sql: on }: Databases, entity: Entity, query: Query): Promise<FoundRows> {
  const where = condition(entity, query);
  const countFound = () =>
    select<{ total: number }>(
      on,
      sql`select count(*) as total from ${name(entity.table)} where ${where}`,
    );
  const [counted] = await (isNarrowed(query)
    ? countFound()
    : cachedFor(on, `all of ${entity.name}`, countFound));
  const stored = await select<Stored>(
    on,
    sql`${rowsOf(entity)} where ${where}
        order by ${orderOf(entity, query.sort)}
        limit ${query.limit} offset ${query.offset}`,
  );
  return { rows: toRows(entity, stored), total: counted?.total ?? 0 };
}

async function findIds(
  { sql: on }: Databases,
  entity: Entity,
  query: RowFilter,
  sort: RowOrder = byId,
): Promise<number[]> {
  const rows = await select<{ id: number }>(
    on,
    sql`select id from ${name(entity.table)} where ${condition(entity, query)}
         order by ${orderOf(entity, sort)}`,
  );
  return rows.map((row) => row.id);
}

async function withNames({ sql: on }: Databases, entity: Entity, field: string, names: string[]) {
  return select<{ id: number; value: string }>(
    on,
    sql`select id, ${name(field)} as value from ${name(entity.table)} where ${mayBeNamed(field, names)} order by id`,
  );
}

async function unreadable({ sql: on }: Databases, entity: Entity): Promise<string[]> {
  const stored = await select<{ id: number | string }>(
    on,
    sql`select id from ${name(entity.table)} where not ${readable} order by id limit ${UNREADABLE}`,
  );
  return stored.map(({ id }) => `${entity.label.one} ${id}: its ID is larger than any of a row`);
}

export const mysqlStore: Store = {
  read,
  readBy,
  walk,
  readChangedAfter,
  count,
  find,
  findIds,
  withNames,
  unreadable,
};

/** SQL that locks rows until the transaction ends, in order of id, and returns a line with two nulls for each. */
export const lockRows = (entity: Entity, ids: number[]): Statement =>
  sql`select null, null from ${byPrimaryKey(entity.table)}
       where id in (${ids}) order by id for update`;

/** SQL that selects the rows of a table with the texts of their links, up to the WHERE clause. */
const rowsOf = (entity: Entity) =>
  sql`select r.*${linkColumns(entity)} from ${name(entity.table)} r`;

/**
 * The MySQL driver returns an id that JavaScript cannot represent exactly as text. Such a row belongs to another program
 * and is left out.
 */
const toRows = (entity: Entity, stored: Stored[]): Row[] =>
  stored.flatMap((one) => (Number.isSafeInteger(one.id) ? toRow(entity, one) : []));

/** The fields of an entity that its own table stores, each with its column. */
export const columnsOf = derivedFrom((entity) =>
  fieldEntries(entity).flatMap((entry) => {
    const column = columnOf(...entry);
    return column ? [{ entry, column }] : [];
  }),
);

function toRow(entity: Entity, stored: Stored): Draft<Row> {
  const row: Draft<Row> = { id: stored.id, modified_at: '' };
  const modified = stored['modified_at'];
  readModified(row, typeof modified === 'string' ? fromSqlInstant(modified) : null);
  for (const { entry, column } of columnsOf(entity)) {
    // A column that this database lacks gives the row no value at all, which is not the same as
    // null.
    if (column in stored) readField(entity, row, entry, entry[1].read(stored[column]));
  }
  readLinks(entity, row, stored);
  return row;
}
