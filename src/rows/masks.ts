// Masks for secrets that another program stored in clear text: a row in memory contains a mask, never the value.
import type { Entity, Row } from '../catalog/entity.ts';
import { isMask, secretsOf } from '../catalog/secret.ts';
import { name, sql } from '../database/sql.ts';

/** A stored clear-text secret is known here only by its mask, so it is left as it is. */
export const keptSecret = (column: string) =>
  sql`target.${name(column)} =
        if(given.${name(column)} like 'clear.________', target.${name(column)}, given.${name(column)})`;

/** A row that is inserted again must not contain a mask, because no stored value is behind it any more. */
export function withoutMasks(entity: Entity, row: Row): Row {
  const masked = secretsOf(entity).filter((field) => isMask(row[field]));
  return masked.length === 0
    ? row
    : { ...row, ...Object.fromEntries(masked.map((field) => [field, null])) };
}
