// Writes rows of MySQL in bulk.
import { isSameValue } from '../catalog/content.ts';
import { linksOf, type Entity, type Row } from '../catalog/entity.ts';
import { isSecret } from '../catalog/secret.ts';
import { insertLines, updateFromLines, type Line } from '../database/bulk.ts';
import { join, name, run, sql, toSqlInstant, type Queryable } from '../database/sql.ts';
import { insertLinks, removeLinks } from './links.ts';
import { keptSecret, withoutMasks } from './masks.ts';
import { columnsOf } from './mysql.ts';
import type { IdsByEntity } from './names.ts';

/**
 * Returns the values to write for one row: its id, and its values in these columns in the form in
 * which MySQL stores them.
 */
const storedLine = (row: Row, columns: ReturnType<typeof columnsOf>): Line => [
  row.id,
  ...columns.map(
    ({ entry: [field, definition] }) => definition.store(row[field] ?? null) as Line[number],
  ),
];

/**
 * Inserts rows with the ids that they already have, all with the same `modified_at`. `ids`: the ids
 * of linked rows by name.
 */
export async function insert(
  on: Queryable,
  entity: Entity,
  rows: Row[],
  instant: string,
  ids: IdsByEntity,
) {
  const columns = columnsOf(entity);
  const names = ['id', ...columns.map(({ column }) => column), 'modified_at'].map(name);
  await insertLines(
    on,
    sql`insert into ${name(entity.table)} (${join(names, ', ')}) values`,
    rows
      .values()
      .map((row) => [...storedLine(withoutMasks(entity, row), columns), toSqlInstant(instant)]),
  );
  await insertLinks(on, entity, rows, ids);
}

export type WrittenColumns = 'all' | 'changed';

/**
 * Overwrites existing rows and replaces changed links. `now`: the present contents of the rows. `written`: all columns,
 * or only those that change in some row. An unchanged column may store a value in another form than Oneway reads it, such
 * as 2 in a yes-or-no field: a save must keep it, and a transfer replaces it.
 */
export async function update(
  on: Queryable,
  entity: Entity,
  rows: Row[],
  now: Map<number, Row>,
  written: WrittenColumns,
  instant: string,
  ids: IdsByEntity,
) {
  const differs = (row: Row, field: string) => !isSameValue(row[field], now.get(row.id)?.[field]);
  const columns = columnsOf(entity).filter(
    ({ entry: [field] }) => written === 'all' || rows.some((row) => differs(row, field)),
  );
  const names = columns.map(({ column }) => column);
  const assignments = [
    ...columns.map(({ entry: [, field], column }) =>
      isSecret(field) ? keptSecret(column) : sql`target.${name(column)} = given.${name(column)}`,
    ),
    sql`target.modified_at = ${toSqlInstant(instant)}`,
  ];
  // Rows are updated with a join on the primary key. INSERT … ON DUPLICATE KEY UPDATE would also
  // react to other unique keys and change the wrong row.
  await updateFromLines(
    on,
    { table: entity.table, columns: ['id', ...names], set: join(assignments, ', ') },
    rows.values().map((row) => storedLine(row, columns)),
  );
  const relinked = rows.filter((row) => linksOf(entity).some(({ field }) => differs(row, field)));
  if (relinked.length === 0) return;
  await removeLinks(
    on,
    entity,
    relinked.map((row) => row.id),
  );
  await insertLinks(on, entity, relinked, ids);
}

export async function remove(on: Queryable, entity: Entity, ids: number[]) {
  await removeLinks(on, entity, ids);
  await run(on, sql`delete from ${name(entity.table)} where id in (${ids})`);
}
