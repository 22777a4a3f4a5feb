import type { Entity } from '../catalog/entity.ts';
import { name, select, sql } from '../database/sql.ts';
import { collection } from './mongo.ts';
import type { Databases } from '../environments/environment.ts';

/** Rows of an entity that have one of these values in a unique field. */
export async function rowsWithUniqueValue(
  place: Databases,
  entity: Entity,
  field: string,
  values: string[],
) {
  if (values.length === 0) return [];
  if (entity.store === 'mysql') {
    return select<{ id: number; value: string }>(
      place.sql,
      sql`select id, ${name(field)} as value from ${name(entity.table)} where ${name(field)} in (${values})`,
    );
  }
  const found = await collection(place.documents, entity)
    .find({ [field]: { $in: values }, removed_at: { $exists: false } })
    .toArray();
  return found.map((one) => ({ id: one._id, value: String(one[field]) }));
}
