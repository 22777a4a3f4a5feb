// Finds rows by name, such as the city `Pune`, because these rows have different ids in each environment.
import type { LinkedName } from '../catalog/entity.ts';
import { entityNamed, matchedByName } from '../catalog/index.ts';
import { nameKey } from '../catalog/name-key.ts';
import { name, select, sql, type Queryable } from '../database/sql.ts';
import { mayBeNamed, ordered } from './text-columns.ts';

/** Ids by name (in Unicode NFC); a name with two ids is ambiguous. */
export type IdsByName = Map<string, number[]>;

export type IdsByEntity = Map<string, IdsByName>;

/** Finds the ids of linked names, with one query for each entity. */
export async function idsOfLinked(on: Queryable, linked: LinkedName[]): Promise<IdsByEntity> {
  const found: IdsByEntity = new Map();
  for (const { name: kind } of matchedByName) {
    found.set(kind, await idsByName(on, kind, namesOf(kind, linked)));
  }
  return found;
}

export const namesOf = (kind: string, linked: LinkedName[]): string[] =>
  linked.filter(({ entity }) => entity === kind).map((one) => one.name);

type Named = { id: number; name: string };

/**
 * Finds the rows whose names equal the requested names by the rule of catalog/name-key.ts, which ignores case, for
 * example. Returns these rows by requested name (in Unicode NFC).
 */
export async function rowsNamed(
  on: Queryable,
  entity: string,
  names: Iterable<string>,
): Promise<Map<string, Named[]>> {
  const wanted = [...new Set([...names].map((text) => text.normalize('NFC')))];
  if (wanted.length === 0) return new Map();
  const rows = await select<Named>(
    on,
    sql`select id, name from ${name(entityNamed(entity).table)} where ${mayBeNamed('name', wanted)} order by id`,
  );
  const byKey = Map.groupBy(rows, (row) => nameKey(row.name));
  return new Map(
    wanted.flatMap((text) => {
      const found = byKey.get(nameKey(text));
      return found ? [[text, found] as const] : [];
    }),
  );
}

/**
 * Returns row ids by name (in Unicode NFC). Rows spelled exactly like the name are preferred to
 * rows that spell it with decomposed characters. Rows with any other spelling are left out: a link
 * to such a row would be read back with another name than was written.
 */
export async function idsByName(
  on: Queryable,
  entity: string,
  names: Iterable<string>,
): Promise<IdsByName> {
  return idsSpelled(await rowsNamed(on, entity, names));
}

/**
 * From rows whose names count as equal, returns the ids of the rows whose name is spelled exactly
 * as requested.
 */
export function idsSpelled(rowsByName: Map<string, Named[]>): IdsByName {
  const found: IdsByName = new Map();
  for (const [text, rows] of rowsByName) {
    const exact = rows.filter((row) => row.name === text);
    const composed = rows.filter((row) => row.name.normalize('NFC') === text);
    const ids = (exact.length > 0 ? exact : composed).map((row) => row.id);
    if (ids.length > 0) found.set(text, ids);
  }
  return found;
}

/**
 * Returns the spelling in which each of these names is stored: the requested spelling if a row has it, otherwise the
 * spelling of the other rows with this name. If these rows have several spellings, the name is left out.
 */
export async function storedSpellings(
  on: Queryable,
  entity: string,
  names: Iterable<string>,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [text, rows] of await rowsNamed(on, entity, names)) {
    const spellings = new Set(rows.map((row) => row.name.normalize('NFC')));
    const [only] = spellings;
    if (spellings.has(text)) found.set(text, text);
    else if (only !== undefined && spellings.size === 1) found.set(text, only);
  }
  return found;
}

/**
 * Returns all names of the rows of these entities, which pickers (inputs with suggestions) offer.
 */
export async function namesByEntity(on: Queryable, entities: string[]) {
  const names: Record<string, string[]> = {};
  for (const entity of entities) names[entity] = await allNames(on, entity);
  return names;
}

async function allNames(on: Queryable, entity: string): Promise<string[]> {
  const rows = await select<{ name: string }>(
    on,
    sql`select name from ${name(entityNamed(entity).table)} order by ${ordered('name')}, id`,
  );
  return rows.map((row) => row.name);
}
