// Conditions and sort orders of MySQL queries.
import { columnOf, fieldEntries, type Entity } from '../catalog/entity.ts';
import { BEGINNING } from '../catalog/misfits.ts';
import { join, name, sql, toSqlInstant, type Statement } from '../database/sql.ts';
import type { Cursor, RowFilter, RowOrder } from './query.ts';
import { idIn, searchPattern } from './search-pattern.ts';
import { ordered, textColumn } from './text-columns.ts';

/**
 * An SQL condition for ids that JavaScript can represent exactly. Rows with larger ids belong to other programs and
 * are never read.
 */
export const readable = sql`id <= ${Number.MAX_SAFE_INTEGER}`;

export function condition(entity: Entity, query: RowFilter): Statement {
  const all: Statement[] = [readable];
  if (query.ids) all.push(sql`id in (${query.ids})`);
  const { from, to } = query.modified ?? { from: null, to: null };
  if (from !== null) all.push(sql`modified_at >= ${toSqlInstant(from)}`);
  if (to !== null) all.push(sql`modified_at < ${toSqlInstant(to)}`);
  for (const [field, value] of Object.entries(query.filters)) {
    const definition = entity.fields[field];
    const column = definition && columnOf(field, definition);
    if (!column) throw new TypeError(`${entity.name} cannot be found by ${field}`);
    const stored = typeof value === 'string' ? textColumn(column) : name(column);
    all.push(sql`${stored} = ${value}`);
  }
  const pattern = searchPattern(query.search);
  if (pattern !== null) {
    const any = fieldEntries(entity)
      .filter(([, field]) => field.search)
      .map(([field]) => sql`${textColumn(field)} regexp ${pattern}`);
    const id = idIn(query.search);
    if (id !== null) any.push(sql`id = ${id}`);
    all.push(sql`(${join(any, ' or ')})`);
  }
  return join(all, ' and ');
}

/** Returns the SQL to sort rows by a field, then by id. Texts are sorted ignoring case and accents. */
export function orderOf(entity: Entity, { field, descending }: RowOrder): Statement {
  const definition = entity.fields[field];
  const column = (definition && columnOf(field, definition)) ?? field;
  const by = definition?.kind === 'text' ? ordered(column) : name(column);
  const direction = descending ? sql`desc` : sql`asc`;
  return field === 'id' ? sql`id ${direction}` : sql`${by} ${direction}, id ${direction}`;
}

/**
 * Returns the conditions of up to two queries for changed rows, to run one after the other: first
 * rows without a timestamp, then rows that changed after the cursor (the last row that an app has
 * read).
 */
export function changedAfter(
  instant: Statement,
  id: Statement,
  { modifiedAfter, after }: Cursor,
): { where: Statement; order: Statement }[] {
  const [from, beginning] = [toSqlInstant(modifiedAfter), toSqlInstant(BEGINNING)];
  // Without strict mode MySQL stores invalid dates such as 0000-00-00, 2026-00-10 and even
  // 2026-02-30. A row with such a date counts as a row without a timestamp.
  const exists = sql`day(${instant}) between 1 and day(last_day(${instant}))`;
  const dated = sql`(${instant} > ${beginning} and ${exists})`;
  const later = {
    where: sql`${instant} >= ${from} and (${instant} > ${from} or ${id} > ${after}) and ${dated}`,
    order: sql`${instant}, ${id}`,
  };
  if (modifiedAfter > BEGINNING) return [later];
  return [{ where: sql`${id} > ${after} and not coalesce(${dated}, false)`, order: id }, later];
}
