// Masks (placeholders) for secrets that another program stored in clear text: a row in memory contains a mask, never
// the secret itself.
import type { Entity, Row } from '../catalog/entity.ts';
import { isMask, secretsOf } from '../catalog/secret.ts';
import { name, sql } from '../database/sql.ts';

/**
 * Returns an SQL assignment that keeps the stored secret if the new value is only a mask. A row in memory has a mask in
 * place of a secret that another program stored in clear text, and the mask must not replace the secret.
 */
export const keptSecret = (column: string) =>
  sql`target.${name(column)} =
        if(given.${name(column)} like 'clear.________', target.${name(column)}, given.${name(column)})`;

/**
 * Returns a row to insert, with null for each secret of which only a mask is known. The secret
 * itself cannot be inserted: the row that stored it in clear text no longer exists.
 */
export function withoutMasks(entity: Entity, row: Row): Row {
  const masked = secretsOf(entity).filter((field) => isMask(row[field]));
  return masked.length === 0
    ? row
    : { ...row, ...Object.fromEntries(masked.map((field) => [field, null])) };
}
