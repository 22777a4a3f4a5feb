import { keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { referencesOf, type Entity } from '../catalog/entity.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { whereRows } from '../state/row-state.ts';

/** Reads the titles of rows in one query. Returns them by key text, such as `task:12`. */
export async function titles(on: Queryable, keys: RowKey[]): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map();
  const lines = await select<{ entity: string; row_id: number; title: string }>(
    on,
    sql`select entity, row_id, title from row_state where ${whereRows(keys)}`,
  );
  return new Map(
    lines.map(({ entity, row_id, title }) => [keyText({ entity, id: row_id }), title]),
  );
}

/** Returns the keys of the rows that a row refers to. */
export const referredBy = (entity: Entity, row: Partial<Row>): RowKey[] =>
  referencesOf(entity).flatMap(({ field, to }) => {
    const id = row[field];
    return typeof id === 'number' && id > 0 ? [{ entity: to, id }] : [];
  });
