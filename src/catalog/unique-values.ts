// Unique values of rows as keys: two values that count as the same have the same key.
import { fieldEntries, type Content, type Entity, type Row } from './entity.ts';
import { textOf, type Value } from './fields.ts';
import { nameKey } from './name-key.ts';

export const uniqueFieldsOf = (entity: Entity): string[] =>
  fieldEntries(entity).flatMap(([field, { unique }]) => (unique ? [field] : []));

/** `form.name:address` */
export const uniqueKey = (entity: Entity, field: string, value: Value | undefined): string =>
  `${entity.name}.${field}:${nameKey(textOf(value))}`;

/** The keys of a row's unique values; none for no row. */
export const uniqueKeysOf = (entity: Entity, row: Row | Content | null): string[] =>
  uniqueFieldsOf(entity).flatMap((field) => {
    const value = row?.[field];
    return typeof value === 'string' ? [uniqueKey(entity, field, value)] : [];
  });
