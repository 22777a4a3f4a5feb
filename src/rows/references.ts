import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { rowsLinkedWith } from './linked-rows.ts';
import type { Databases } from '../environments/environment.ts';
import { byEntity, readBy } from './store.ts';
import { referencesTo } from '../catalog/family.ts';

/** A row that refers to another: through a reference field, or as linked with a city or partner. */
export type Reference = { target: RowKey; referrer: { entity: Entity; row: Row; field: string } };

/** Every use of these rows at a place; `under` also those that stand under them (a business' tasks, a form's fields). */
export async function referencingRows(
  place: Databases,
  keys: RowKey[],
  { under }: { under: boolean },
): Promise<Reference[]> {
  const uses: Reference[] = [];
  for (const [entity, ids] of byEntity(keys)) {
    for (const { from, field } of referencesTo(entity)) {
      if (under || !from.fields[field]?.under) {
        for (const row of await readBy(place, from, field, ids)) {
          const of = { entity: entity.name, id: Number(row[field]) };
          uses.push({ target: of, referrer: { entity: from, row, field } });
        }
      }
    }
    for (const id of entity.isMatchedByName ? ids : []) {
      for (const user of await rowsLinkedWith(place, entity.name, [id])) {
        uses.push({ target: { entity: entity.name, id }, referrer: { ...user, field: 'cities' } });
      }
    }
  }
  return uses;
}

export const keyOfReferrer = ({ referrer: user }: Reference): RowKey => ({
  entity: user.entity.name,
  id: user.row.id,
});

/** Uses by rows that are not themselves among `keys`. */
export const fromOtherRows = (uses: Reference[], keys: RowKey[]): Reference[] => {
  const own = new Set(keys.map(keyText));
  return uses.filter((use) => !own.has(keyText(keyOfReferrer(use))));
};
