// Rows that refer to another row, by a reference field or by a link to a city or partner.
import { fieldEntries, keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { travelling } from '../catalog/index.ts';
import { name, select, sql } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { byEntity, read, readBy } from './store.ts';
import { referencesTo } from '../catalog/family.ts';

/** A row that refers to another, by a reference field or by a link. */
export type Reference = { target: RowKey; referrer: { entity: Entity; row: Row; field: string } };

/**
 * Every reference to these rows. `under` includes rows that belong under them (a business's tasks, a
 * form's fields).
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

/** References from rows outside `keys`. */
export const fromOtherRows = (uses: Reference[], keys: RowKey[]): Reference[] => {
  const own = new Set(keys.map(keyText));
  return uses.filter((use) => !own.has(keyText(keyOfReferrer(use))));
};

/** Rows linked to one of these cities (`kind` city) or partners. */
export async function rowsLinkedWith(
  place: Databases,
  kind: string,
  ids: number[],
): Promise<{ entity: Entity; row: Row }[]> {
  const found: { entity: Entity; row: Row }[] = [];
  for (const entity of travelling) {
    for (const [, { through }] of fieldEntries(entity)) {
      if (through) {
        const owners = await select<{ owner: number }>(
          place.sql,
          sql`select distinct ${name(`${entity.table}_id`)} as owner from ${name(through)}
               where ${name(`${kind}_id`)} in (${ids})`,
        );
        const keys = owners.map(({ owner }) => ({ entity: entity.name, id: owner }));
        for (const row of (await read(place, keys)).values()) found.push({ entity, row });
      }
    }
  }
  return found;
}
