// Masks for secrets that another program stored in clear text: a row in memory contains a mask, never the value.
import type { Entity, Row } from '../catalog/entity.ts';
import { isMask, secretsOf } from '../catalog/secret.ts';
import { name, sql } from '../database/sql.ts';

/**
 * An SQL assignment that keeps a secret which another program stored in clear text: only its mask is known here, so
 * the stored secret must not be replaced.
 */
export const keptSecret = (column: string) =>
  sql`target.${name(column)} =
        if(given.${name(column)} like 'clear.________', target.${name(column)}, given.${name(column)})`;

/**
 * Returns a row to insert, without secrets of which only a mask is known: the row that stored them in clear text no
 * longer exists.
 */
export function withoutMasks(entity: Entity, row: Row): Row {
  const masked = secretsOf(entity).filter((field) => isMask(row[field]));
  return masked.length === 0
    ? row
    : { ...row, ...Object.fromEntries(masked.map((field) => [field, null])) };
}
