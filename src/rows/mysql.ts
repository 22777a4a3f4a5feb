// Rows stored in MySQL, read in sets.
import { columnOf, fieldEntries, type Draft, type Entity, type Row } from '../catalog/entity.ts';
import {
  fromSqlInstant,
  join,
  name,
  select,
  sql,
  toSqlInstant,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { cachedFor } from '../database/cached-for.ts';
import { addLinks } from './links.ts';
import type { Cursor, FoundRows, Query, RowFilter, Store } from './query.ts';
import type { Databases } from '../environments/environment.ts';

type Stored = Record<string, unknown> & { id: number };

async function read(
  { sql: on }: Databases,
  entity: Entity,
  ids: number[],
  { lock = false }: { lock?: boolean },
): Promise<Row[]> {
  const sorted = ids.toSorted((one, other) => one - other);
  const end = lock ? sql` for update` : sql``;
  const stored = await select<Stored>(
    on,
    sql`select * from ${name(entity.table)} where id in (${sorted}) order by id${end}`,
  );
  return toRows(on, entity, stored);
}

/** Rows whose reference `field` points to one of `targets`. */
async function readBy(
  { sql: on }: Databases,
  entity: Entity,
  field: string,
  targets: number[],
): Promise<Row[]> {
  const stored = await select<Stored>(
    on,
    sql`select * from ${name(entity.table)} where ${name(`${field}_id`)} in (${targets}) order by id`,
  );
  return toRows(on, entity, stored);
}

/** All rows above an id, in order of id and in parts. */
async function* walk({ sql: on }: Databases, entity: Entity, after: number, size: number) {
  for (let last = after; ;) {
    const stored = await select<Stored>(
      on,
      sql`select * from ${name(entity.table)} where id > ${last} order by id limit ${size}`,
    );
    if (stored.length === 0) return;
    yield await toRows(on, entity, stored);
    last = stored.at(-1)?.id ?? last;
  }
}

async function readChangedAfter(
  { sql: on }: Databases,
  entity: Entity,
  { modifiedAfter, after }: Cursor,
  limit: number,
): Promise<Row[]> {
  const instant = toSqlInstant(modifiedAfter);
  const stored = await select<Stored>(
    on,
    sql`select * from ${name(entity.table)}
         where modified_at >= ${instant} and (modified_at > ${instant} or id > ${after})
         order by modified_at, id limit ${limit}`,
  );
  return toRows(on, entity, stored);
}

async function count({ sql: on }: Databases, entity: Entity): Promise<number> {
  const [counted] = await select<{ total: number }>(
    on,
    sql`select count(*) as total from ${name(entity.table)}`,
  );
  return counted?.total ?? 0;
}

async function find({ sql: on }: Databases, entity: Entity, query: Query): Promise<FoundRows> {
  const where = condition(entity, query);
  const sorted = entity.fields[query.sort.field];
  const column = name((sorted && columnOf(query.sort.field, sorted)) ?? query.sort.field);
  const order =
    sorted?.kind === 'text' ? sql`${column} collate utf8mb4_unicode_ci` : sql`${column}`;
  const direction = query.sort.descending ? sql`desc` : sql`asc`;
  const countFound = () =>
    select<{ total: number }>(
      on,
      sql`select count(*) as total from ${name(entity.table)} where ${where}`,
    );
  const isNarrowed = query.ids || query.search !== '' || Object.keys(query.filters).length > 0;
  const [counted] = await (isNarrowed
    ? countFound()
    : cachedFor(on, `all of ${entity.name}`, countFound));
  const stored = await select<Stored>(
    on,
    sql`select * from ${name(entity.table)} where ${where}
        order by ${order} ${direction}, id ${direction}
        limit ${query.limit} offset ${query.offset}`,
  );
  return { rows: await toRows(on, entity, stored), total: counted?.total ?? 0 };
}

async function findIds(
  { sql: on }: Databases,
  entity: Entity,
  query: RowFilter,
): Promise<number[]> {
  const rows = await select<{ id: number }>(
    on,
    sql`select id from ${name(entity.table)} where ${condition(entity, query)} order by id`,
  );
  return rows.map((row) => row.id);
}

const withUniqueValue = ({ sql: on }: Databases, entity: Entity, field: string, values: string[]) =>
  select<{ id: number; value: string }>(
    on,
    sql`select id, ${name(field)} as value from ${name(entity.table)} where ${name(field)} in (${values})`,
  );

export const mysqlStore: Store = {
  read,
  readBy,
  walk,
  readChangedAfter,
  count,
  find,
  findIds,
  withUniqueValue,
};

function condition(entity: Entity, query: RowFilter): Statement {
  const all: Statement[] = [sql`true`];
  if (query.ids) all.push(sql`id in (${query.ids})`);
  for (const [field, value] of Object.entries(query.filters)) {
    const definition = entity.fields[field];
    const column = definition && columnOf(field, definition);
    if (!column) throw new TypeError(`${entity.name} cannot be found by ${field}`);
    all.push(sql`${name(column)} = ${value}`);
  }
  if (query.search !== '') {
    const pattern = `%${query.search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    const any = fieldEntries(entity)
      .filter(([, field]) => field.search)
      .map(([field]) => sql`${name(field)} collate utf8mb4_unicode_ci like ${pattern}`);
    if (/^#?\d{1,15}$/.test(query.search))
      any.push(sql`id = ${Number(query.search.replace('#', ''))}`);
    all.push(sql`(${join(any, ' or ')})`);
  }
  return join(all, ' and ');
}

async function toRows(on: Queryable, entity: Entity, stored: Stored[]): Promise<Row[]> {
  const rows = stored.map((one) => toRow(entity, one));
  await addLinks(on, entity, rows);
  return rows;
}

function toRow(entity: Entity, stored: Stored): Draft<Row> {
  const row: Draft<Row> = {
    id: stored.id,
    modified_at: fromSqlInstant(String(stored['modified_at'])),
  };
  for (const [field, definition] of fieldEntries(entity)) {
    const column = columnOf(field, definition);
    // A column that this database does not have (yet) is missing, not null.
    if (column && column in stored) row[field] = definition.read(stored[column]);
  }
  return row;
}
