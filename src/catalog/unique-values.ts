// Keys of unique values: values that count as equal have the same key.
import { fieldEntries, type Content, type Entity, type Row } from './entity.ts';
import { textOf, type Value } from './fields.ts';
import { nameKey } from './name-key.ts';

export const uniqueFieldsOf = (entity: Entity): string[] =>
  fieldEntries(entity).flatMap(([field, { unique }]) => (unique ? [field] : []));

/** Returns the key of a unique value, such as `form.name:address`. */
export const uniqueKey = (entity: Entity, field: string, value: Value | undefined): string =>
  `${entity.name}.${field}:${nameKey(textOf(value))}`;

/**
 * Returns the key of a value’s exact spelling, such as `form.name=Address`. A database index may treat spellings that
 * count as equal as different.
 */
export const spelledKey = (entity: Entity, field: string, value: Value | undefined): string =>
  `${entity.name}.${field}=${textOf(value)}`;

/** The keys of all unique values of a row; none for no row. */
export const uniqueKeysOf = (entity: Entity, row: Row | Content | null): string[] =>
  keysOf(entity, row, uniqueKey);

export const spelledKeysOf = (entity: Entity, row: Row | Content | null): string[] =>
  keysOf(entity, row, spelledKey);

const keysOf = (entity: Entity, row: Row | Content | null, keyOf: typeof uniqueKey): string[] =>
  uniqueFieldsOf(entity).flatMap((field) => {
    const value = row?.[field];
    return typeof value === 'string' ? [keyOf(entity, field, value)] : [];
  });
