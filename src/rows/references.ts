import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { rowsLinkedWith } from './linked-rows.ts';
import type { Place } from '../environments/environment.ts';
import { byEntity, readBy } from './store.ts';
import { referencesTo } from '../catalog/family.ts';

/** A row that refers to another: through a reference field, or as linked with a city or partner. */
export type Use = { of: RowKey; user: { entity: Entity; row: Row; field: string } };

/** Every use of these rows at a place; `under` also those that stand under them (a business' tasks, a form's fields). */
export async function usesOf(
  place: Place,
  keys: RowKey[],
  { under }: { under: boolean },
): Promise<Use[]> {
  const uses: Use[] = [];
  for (const [entity, ids] of byEntity(keys)) {
    for (const { from, field } of referencesTo(entity)) {
      if (under || !from.fields[field]?.under) {
        for (const row of await readBy(place, from, field, ids)) {
          const of = { entity: entity.name, id: Number(row[field]) };
          uses.push({ of, user: { entity: from, row, field } });
        }
      }
    }
    for (const id of entity.isMatchedByName ? ids : []) {
      for (const user of await rowsLinkedWith(place, entity.name, [id])) {
        uses.push({ of: { entity: entity.name, id }, user: { ...user, field: 'cities' } });
      }
    }
  }
  return uses;
}

export const keyOfUser = ({ user }: Use): RowKey => ({ entity: user.entity.name, id: user.row.id });

/** Uses by rows that are not themselves among `keys`. */
export const fromElsewhere = (uses: Use[], keys: RowKey[]): Use[] => {
  const own = new Set(keys.map(keyText));
  return uses.filter((use) => !own.has(keyText(keyOfUser(use))));
};
