// Secrets that another program stored unsealed: a row holds a mask of them, never the value.
import type { Entity, Row } from '../catalog/entity.ts';
import { isMask, secretsOf } from '../catalog/secret.ts';
import { name, sql } from '../database/sql.ts';

/** A secret that stands there unsealed is not known here, only its mask: it stays. */
export const keptSecret = (column: string) =>
  sql`target.${name(column)} =
        if(given.${name(column)} like 'clear.________', target.${name(column)}, given.${name(column)})`;

/** A row that is inserted again has no value behind a mask any more. */
export function withoutMasks(entity: Entity, row: Row): Row {
  const masked = secretsOf(entity).filter((field) => isMask(row[field]));
  return masked.length === 0
    ? row
    : { ...row, ...Object.fromEntries(masked.map((field) => [field, null])) };
}
