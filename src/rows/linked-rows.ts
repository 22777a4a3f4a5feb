import { fieldEntries, type Entity, type Row } from '../catalog/entity.ts';
import { travelling } from '../catalog/index.ts';
import { name, select, sql } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { read } from './store.ts';

/** Rows that are linked with one of these cities (`kind` city) or partners. */
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
