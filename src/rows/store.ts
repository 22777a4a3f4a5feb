// Reads rows from the database that stores them, MySQL or MongoDB.
import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { nameKey } from '../catalog/name-key.ts';
import { rising } from '../database/ranges.ts';
import type { Databases } from '../environments/environment.ts';
import { mongoStore } from './mongo.ts';
import { mysqlStore } from './mysql.ts';
import type { Cursor, FoundRows, Query, RowFilter, RowOrder, Store } from './query.ts';

const stores: Record<Entity['store'], Store> = { mysql: mysqlStore, mongo: mongoStore };
const storeOf = ({ store }: Entity): Store => stores[store];

/**
 * Reads rows by key, with a fixed number of queries for each table or collection. Returns the rows
 * by key text (`task:12`); rows that do not exist are missing from the result.
 */
export async function read(from: Databases, keys: RowKey[]): Promise<Map<string, Row>> {
  const found = new Map<string, Row>();
  for (const [entity, ids] of byEntity(keys)) {
    for (const row of await storeOf(entity).read(from, entity, ids)) {
      found.set(keyText({ entity: entity.name, id: row.id }), row);
    }
  }
  return found;
}

export async function readOne(from: Databases, key: RowKey): Promise<Row | undefined> {
  return (await read(from, [key])).get(keyText(key));
}

/** Reads the rows of `entity` whose reference `field` points to one of `targets`. */
export const readBy = async (from: Databases, entity: Entity, field: string, targets: number[]) =>
  targets.length === 0 ? [] : storeOf(entity).readBy(from, entity, field, targets);

/** Reads all rows above an id, in order of id and in parts of `size` rows. */
export const walk = (from: Databases, entity: Entity, after: number, size: number) =>
  storeOf(entity).walk(from, entity, after, size);

/** Reads the next `limit` rows after the cursor, in the order of (modified_at, id). */
export const readChangedAfter = (from: Databases, entity: Entity, cursor: Cursor, limit: number) =>
  storeOf(entity).readChangedAfter(from, entity, cursor, limit);

/** Counts the rows of an entity. */
export const countRows = (from: Databases, entity: Entity): Promise<number> =>
  storeOf(entity).count(from, entity);

export const find = (from: Databases, entity: Entity, query: Query): Promise<FoundRows> =>
  storeOf(entity).find(from, entity, query);

/** Finds the ids of all rows that match a filter, not only those of one page; without `sort`, in rising order. */
export const findIds = (
  from: Databases,
  entity: Entity,
  filter: RowFilter,
  sort?: RowOrder,
): Promise<number[]> => storeOf(entity).findIds(from, entity, filter, sort);

/**
 * Finds rows whose unique field has one of these names, even in another spelling (see catalog/name-key.ts). `value`:
 * the requested name. `isExact`: whether the row has exactly the requested spelling.
 */
export async function rowsWithUniqueValue(
  from: Databases,
  entity: Entity,
  field: string,
  values: string[],
): Promise<{ id: number; value: string; isExact: boolean }[]> {
  if (values.length === 0) return [];
  const asked = Map.groupBy(new Set(values), nameKey);
  const found = await storeOf(entity).withNames(from, entity, field, values);
  return found.flatMap(({ id, value: stored }) =>
    (asked.get(nameKey(stored)) ?? []).map((value) => ({ id, value, isExact: value === stored })),
  );
}

/** Describes the rows and documents that cannot be read because their id is no whole number, such as an ObjectId. */
export const unreadable = (from: Databases, entity: Entity): Promise<string[]> =>
  storeOf(entity).unreadable(from, entity);

/** Groups keys by entity, each id once and in rising order, which is the order in which rows are locked. */
export function byEntity(keys: RowKey[]): Map<Entity, number[]> {
  const groups = new Map<string, number[]>();
  for (const { entity, id } of keys) {
    const ids = groups.get(entity);
    if (ids) ids.push(id);
    else groups.set(entity, [id]);
  }
  return new Map(
    [...groups]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([entity, ids]) => [entityNamed(entity), rising(ids)]),
  );
}
