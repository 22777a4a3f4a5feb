// Finds rows that refer to other rows, by a reference field (the id of one row) or by a link (a table of pairs).
import { keyText, linksOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { travelling } from '../catalog/index.ts';
import type { Databases } from '../environments/environment.ts';
import { ownersLinkedWith } from './links.ts';
import { byEntity, read, readBy } from './store.ts';
import { referencesTo } from '../catalog/family.ts';

/**
 * A reference: `referrer` is a row that refers to the row `target`, by a reference field or by a
 * link.
 */
export type Reference = { target: RowKey; referrer: { entity: Entity; row: Row; field: string } };

/**
 * Finds the rows that refer to these rows. `under`: whether to include rows that are listed below these rows, such as
 * the tasks of a business or the fields of a form.
 */
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
        uses.push({ target: { entity: entity.name, id }, referrer: user });
      }
    }
  }
  return uses;
}

export const keyOfReferrer = ({ referrer: user }: Reference): RowKey => ({
  entity: user.entity.name,
  id: user.row.id,
});

/** Returns the references that come from rows outside of `keys`. */
export const fromOtherRows = (uses: Reference[], keys: RowKey[]): Reference[] => {
  const own = new Set(keys.map(keyText));
  return uses.filter((use) => !own.has(keyText(keyOfReferrer(use))));
};

/**
 * Finds the rows that have a link to one of these rows of the entity `kind`, each with the field
 * that contains the link.
 */
export async function rowsLinkedWith(
  place: Databases,
  kind: string,
  ids: number[],
): Promise<{ entity: Entity; row: Row; field: string }[]> {
  const found: { entity: Entity; row: Row; field: string }[] = [];
  for (const entity of travelling) {
    for (const { field, links } of linksOf(entity)) {
      for (const part of links.parts.filter((one) => one.entity === kind)) {
        const owners = await ownersLinkedWith(place.sql, entity, links, part, ids);
        const keys = owners.map((id) => ({ entity: entity.name, id }));
        for (const row of (await read(place, keys)).values()) found.push({ entity, row, field });
      }
    }
  }
  return found;
}
