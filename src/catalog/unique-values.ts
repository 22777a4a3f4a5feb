// Computes the keys of unique values. Values that count as equal have the same key.
import { derivedFrom, fieldEntries, type Content, type Entity, type Row } from './entity.ts';
import { textOf, type Value } from './fields.ts';
import { nameKey } from './name-key.ts';

export const uniqueFieldsOf = derivedFrom((entity): readonly string[] =>
  fieldEntries(entity).flatMap(([field, { unique }]) => (unique ? [field] : [])),
);

/** Returns the key of a unique value, such as `form.name:address`. */
export const uniqueKey = (entity: Entity, field: string, value: Value | undefined): string =>
  `${entity.name}.${field}:${nameKey(textOf(value))}`;

/**
 * Returns a key that contains the exact spelling of a unique value, such as `form.name=Address`. A
 * database index may distinguish spellings that count as equal for Oneway.
 */
export const spelledKey = (entity: Entity, field: string, value: Value | undefined): string =>
  `${entity.name}.${field}=${textOf(value)}`;

/** Returns the keys of all unique values of a row; an empty list if there is no row. */
export const uniqueKeysOf = (entity: Entity, row: Row | Content | null): string[] =>
  keysOf(entity, row, uniqueKey);

export const spelledKeysOf = (entity: Entity, row: Row | Content | null): string[] =>
  keysOf(entity, row, spelledKey);

const keysOf = (entity: Entity, row: Row | Content | null, keyOf: typeof uniqueKey): string[] =>
  uniqueFieldsOf(entity).flatMap((field) => {
    const value = row?.[field];
    return typeof value === 'string' ? [keyOf(entity, field, value)] : [];
  });
