// Cities and partners belong to their environment: equal names, different ids.
import { entityNamed } from '../catalog/index.ts';
import { name, select, sql, type Queryable } from '../database/sql.ts';

/** Ids by NFC name; two ids make a name ambiguous. */
export type IdsByName = Map<string, number[]>;

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

/** All names of an entity, for the picker. */
export async function allNames(on: Queryable, entity: string): Promise<string[]> {
  const rows = await select<{ name: string }>(
    on,
    sql`select name from ${name(entityNamed(entity).table)} order by name collate utf8mb4_unicode_ci`,
  );
  return rows.map((row) => row.name);
}
