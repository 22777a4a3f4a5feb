// One way to read rows, wherever they live.
import { entityNamed } from '../catalog/index.ts';
import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import type { Value } from '../catalog/fields.ts';
import * as mongo from './mongo.ts';
import * as mysql from './mysql.ts';
import type { Databases } from '../environments/environment.ts';

export type Query = {
  search: string;
  filters: Record<string, Value>;
  /** Only these, when given. */
  ids?: number[];
  sort: { field: string; descending: boolean };
  limit: number;
  offset: number;
};
/** Which rows are meant, whatever their order and page. */
export type RowFilter = Pick<Query, 'search' | 'filters' | 'ids'>;
export type FoundRows = { rows: Row[]; total: number };

/** Rows by key text (`task:12`); what is not there is not in the map. A fixed number of queries a table, one for each 50 documents. */
export async function read(
  place: Databases,
  keys: RowKey[],
  options: { lock?: boolean } = {},
): Promise<Map<string, Row>> {
  const found = new Map<string, Row>();
  for (const [entity, ids] of byEntity(keys)) {
    const rows =
      entity.store === 'mysql'
        ? await mysql.read(place.sql, entity, ids, options)
        : await mongo.read(place.documents, entity, ids);
    for (const row of rows) found.set(keyText({ entity: entity.name, id: row.id }), row);
  }
  return found;
}

/** Rows of `entity` whose reference `field` points to one of `targets`. */
export async function readBy(place: Databases, entity: Entity, field: string, targets: number[]) {
  if (targets.length === 0) return [];
  return entity.store === 'mysql'
    ? mysql.readBy(place.sql, entity, field, targets)
    : mongo.readBy(place.documents, entity, field, targets);
}

/** All rows above an id, in order of id and in parts of `size`. */
export const walk = (place: Databases, entity: Entity, after: number, size: number) =>
  entity.store === 'mysql'
    ? mysql.walk(place.sql, entity, after, size)
    : mongo.walk(place.documents, entity, after, size);

/** A place in the order in which rows were changed. */
export type Cursor = { modifiedAfter: string; after: number };

/** The next `limit` rows in the order of (modified_at, id). */
export async function readChangedAfter(
  place: Databases,
  entity: Entity,
  from: Cursor,
  limit: number,
) {
  return entity.store === 'mysql'
    ? mysql.readChangedAfter(place.sql, entity, from, limit)
    : mongo.readChangedAfter(place.documents, entity, from, limit);
}

/** How many rows there are of an entity. */
export const countRows = (place: Databases, entity: Entity): Promise<number> =>
  entity.store === 'mysql' ? mysql.count(place.sql, entity) : mongo.count(place.documents, entity);

export async function find(place: Databases, entity: Entity, query: Query): Promise<FoundRows> {
  return entity.store === 'mysql'
    ? mysql.find(place.sql, entity, query)
    : mongo.find(place.documents, entity, query);
}

/** The ids of all rows a query finds, whatever its page. */
export async function findIds(
  place: Databases,
  entity: Entity,
  query: RowFilter,
): Promise<number[]> {
  return entity.store === 'mysql'
    ? mysql.findIds(place.sql, entity, query)
    : mongo.findIds(place.documents, entity, query);
}

export async function readOne(place: Databases, { entity, id }: RowKey): Promise<Row | undefined> {
  return (await read(place, [{ entity, id }])).get(keyText({ entity, id }));
}

/** Keys grouped by entity, each id once, in rising order: the order in which rows are locked. */
export function byEntity(keys: RowKey[]): Map<Entity, number[]> {
  const groups = new Map<string, Set<number>>();
  for (const { entity, id } of keys) {
    groups.set(entity, (groups.get(entity) ?? new Set()).add(id));
  }
  return new Map(
    [...groups]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([entity, ids]) => [entityNamed(entity), [...ids].toSorted((a, b) => a - b)]),
  );
}
