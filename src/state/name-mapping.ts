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
