import { keyText, type Row, type RowKey } from '../catalog/entity.ts';
import type { Databases } from '../environments/environment.ts';
import { byEntity, read, readBy } from './store.ts';
import { dependentsOf } from '../catalog/family.ts';

/**
 * Reads rows together with their dependent rows (such as the fields of a form). Returns the rows by
 * key text, such as `form:12`. `known`: rows that the caller has just read, so that they are not
 * read again.
 */
export async function withTheirDependents(
  place: Databases,
  keys: RowKey[],
  known?: Map<string, Row>,
): Promise<Map<string, Row>> {
  const rows = known ? new Map(known) : await read(place, keys);
  for (const [entity, ids] of byEntity(keys)) {
    for (const dependent of dependentsOf(entity)) {
      if (dependent.owner) {
        for (const row of await readBy(place, dependent, dependent.owner, ids)) {
          rows.set(keyText({ entity: dependent.name, id: row.id }), row);
        }
      }
    }
  }
  return rows;
}
