// Rows that belong to their environment: equal names, different ids.
import type { LinkedName } from '../catalog/entity.ts';
import { entityNamed, matchedByName } from '../catalog/index.ts';
import { name, select, sql, type Queryable } from '../database/sql.ts';

/** Ids by NFC name; two ids make a name ambiguous. */
export type IdsByName = Map<string, number[]>;

export type IdsByEntity = Map<string, IdsByName>;

/** Ids of linked names, by entity: one query each. */
export async function idsOfLinked(on: Queryable, linked: LinkedName[]): Promise<IdsByEntity> {
  const found: IdsByEntity = new Map();
  for (const { name: kind } of matchedByName) {
    found.set(kind, await idsByName(on, kind, namesOf(kind, linked)));
  }
  return found;
}

export const namesOf = (kind: string, linked: LinkedName[]): string[] =>
  linked.filter(({ entity }) => entity === kind).map((one) => one.name);

/** Finds names in composed or decomposed spelling, in one query. */
export async function idsByName(
  on: Queryable,
  entity: string,
  names: Iterable<string>,
): Promise<IdsByName> {
  const wanted = [...new Set([...names].map((text) => text.normalize('NFC')))];
  const found: IdsByName = new Map();
  if (wanted.length > 0) {
    const spellings = [...new Set(wanted.flatMap((text) => [text, text.normalize('NFD')]))];
    const rows = await select<{ id: number; name: string }>(
      on,
      sql`select id, name from ${name(entityNamed(entity).table)} where name in (${spellings}) order by id`,
    );
    for (const row of rows) {
      const key = row.name.normalize('NFC');
      found.set(key, [...(found.get(key) ?? []), row.id]);
    }
  }
  return found;
}

/** All names of entities, for pickers. */
export async function namesByEntity(on: Queryable, entities: string[]) {
  const names: Record<string, string[]> = {};
  for (const entity of entities) names[entity] = await allNames(on, entity);
  return names;
}

async function allNames(on: Queryable, entity: string): Promise<string[]> {
  const rows = await select<{ name: string }>(
    on,
    sql`select name from ${name(entityNamed(entity).table)} order by name collate utf8mb4_unicode_ci`,
  );
  return rows.map((row) => row.name);
}
