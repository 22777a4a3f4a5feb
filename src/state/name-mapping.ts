// Name mappings: the name of a city or partner at the destination, if it differs from the name here (`Pune` here is
// `Poona` there). The sending environment stores its name mappings.
import { linksIn, linksOf, type Entity, type Row } from '../catalog/entity.ts';
import { linkOf, sortLinks } from '../catalog/links.ts';
import { select, sql, type Queryable } from '../database/sql.ts';

export type Mapping = { entity: string; name: string; there: string; person: string; at: string };
export type Mappings = Map<string, string>;

const mappingKey = (entity: string, name: string) => `${entity}:${name}`;

export async function readMappings(on: Queryable): Promise<Mappings> {
  return new Map(
    (await listMappings(on)).map(({ entity, name, there }) => [mappingKey(entity, name), there]),
  );
}

export const listMappings = (on: Queryable) =>
  select<Mapping>(on, sql`select * from name_mapping order by entity, name`);

export const nameThere = (mappings: Mappings, entity: string, name: string) =>
  mappings.get(mappingKey(entity, name)) ?? name;

/**
 * Returns the mappings in the other direction: the name here for each name at the destination. If several names here
 * are mapped to the same name, returns the alphabetically first one.
 */
export function reversed(mappings: Mappings): Mappings {
  const found: Mappings = new Map();
  for (const [key, there] of mappings) {
    const colon = key.indexOf(':');
    const back = mappingKey(key.slice(0, colon), there);
    if (!found.has(back)) found.set(back, key.slice(colon + 1));
  }
  return found;
}

/** Returns the names of the cities and partners with which a row here is linked, by their names at the destination. */
export function namesInRow(entity: Entity, row: Row, mappings: Mappings): Mappings {
  const found: Mappings = new Map();
  for (const { field, links } of linksOf(entity)) {
    for (const link of linksIn(row, field)) {
      for (const { name, entity: kind } of links.parts) {
        const own = link[name] ?? null;
        if (own !== null) found.set(mappingKey(kind, nameThere(mappings, kind, own)), own);
      }
    }
  }
  return found;
}

/**
 * Returns the row with the destination’s names: each linked name that has a mapping (`Pune`) is
 * replaced by the mapped name (`Poona`).
 */
export function withMappedNames(entity: Entity, row: Row, mappings: Mappings): Row {
  if (mappings.size === 0) return row;
  const theirs = { ...row };
  for (const { field, links } of linksOf(entity)) {
    const mapped = linksIn(row, field).map((link) =>
      linkOf(links.parts, ({ name, entity: kind }) => {
        const own = link[name] ?? null;
        return own === null ? null : nameThere(mappings, kind, own);
      }),
    );
    theirs[field] = sortLinks(links, mapped);
  }
  return theirs;
}
