// Keys of unique values: two values that count as the same have the same key.
import { fieldEntries, type Content, type Entity, type Row } from './entity.ts';
import { textOf, type Value } from './fields.ts';
import { nameKey } from './name-key.ts';

export const uniqueFieldsOf = (entity: Entity): string[] =>
  fieldEntries(entity).flatMap(([field, { unique }]) => (unique ? [field] : []));

/** The key of a unique value, such as `form.name:address`. */
export const uniqueKey = (entity: Entity, field: string, value: Value | undefined): string =>
  `${entity.name}.${field}:${nameKey(textOf(value))}`;

/**
 * The key of the exact spelling: `form.name=Address`. A database index may distinguish spellings that count as the
 * same name.
 */
export const spelledKey = (entity: Entity, field: string, value: Value | undefined): string =>
  `${entity.name}.${field}=${textOf(value)}`;

/** The keys of a row’s unique values; none without a row. */
export const uniqueKeysOf = (entity: Entity, row: Row | Content | null): string[] =>
  keysOf(entity, row, uniqueKey);

export const spelledKeysOf = (entity: Entity, row: Row | Content | null): string[] =>
  keysOf(entity, row, spelledKey);

const keysOf = (entity: Entity, row: Row | Content | null, keyOf: typeof uniqueKey): string[] =>
  uniqueFieldsOf(entity).flatMap((field) => {
    const value = row?.[field];
    return typeof value === 'string' ? [keyOf(entity, field, value)] : [];
  });
