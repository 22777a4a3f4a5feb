// Link fields of rows in MySQL. Such a field refers to rows of other entities: `cities`, for example, lists cities,
// each perhaps with a partner. A link table beside the entity’s own table stores their ids. Oneway reads and writes the
// links as names, because the ids differ between environments.
import {
  derivedFrom,
  linksIn,
  linksOf,
  type Draft,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import type { LinkPart, Links } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { linkOf, sortLinks } from '../catalog/links.ts';
import { insertLines } from '../database/bulk.ts';
import { join, name, run, select, sql, type Queryable, type Statement } from '../database/sql.ts';
import type { IdsByEntity, IdsByName } from './names.ts';

/**
 * SQL for further columns of rows `r`, each preceded by a comma: one for each link field (such as `cities`), with the
 * names in it as a JSON text; null for a row without links.
 */
export const linkColumns = (entity: Entity): Statement =>
  join(
    linksOf(entity).map(
      ({ field, links }) =>
        sql`, (select concat('[', group_concat(${linkText(links)} separator ','), ']')
                 from ${name(links.through)} l ${linkedRows(links)}
                where l.${ownerColumn(entity)} = r.id) as ${linksName(field)}`,
    ),
    '',
  );

/** Sets the link fields of a row from the columns that linkColumns() selects. */
export function readLinks(entity: Entity, row: Draft<Row>, stored: Record<string, unknown>) {
  for (const { field, links, column } of columnsOfLinks(entity)) {
    const text = stored[column];
    const packed = typeof text === 'string' ? (JSON.parse(text) as (string | null)[][]) : [];
    row[field] = sortLinks(
      links,
      packed.map((names) =>
        linkOf(links.parts, (part) => names[links.parts.indexOf(part)] ?? null),
      ),
    );
  }
}

const columnsOfLinks = derivedFrom((entity) =>
  linksOf(entity).map(({ field, links }) => ({ field, links, column: linksColumn(field) })),
);

export async function insertLinks(on: Queryable, entity: Entity, rows: Row[], ids: IdsByEntity) {
  for (const { field, links } of linksOf(entity)) {
    const columns = [ownerColumn(entity), ...links.parts.map(columnOfPart)];
    await insertLines(
      on,
      sql`insert into ${name(links.through)} (${join(columns, ', ')}) values`,
      rows.flatMap((row) =>
        linksIn(row, field).map((link) => [
          row.id,
          ...links.parts.map((part) => idOf(ids, part, link[part.name] ?? null)),
        ]),
      ),
    );
  }
}

export async function removeLinks(on: Queryable, entity: Entity, ids: number[]) {
  for (const { links } of linksOf(entity)) {
    await run(on, sql`delete from ${name(links.through)} where ${ownerColumn(entity)} in (${ids})`);
  }
}

/** Returns the ids of the rows of `entity` that have a link to one of these rows. */
export async function ownersLinkedWith(
  on: Queryable,
  entity: Entity,
  { through }: Links,
  part: LinkPart,
  ids: number[],
): Promise<number[]> {
  const owners = await select<{ owner: number }>(
    on,
    sql`select distinct ${ownerColumn(entity)} as owner from ${name(through)}
         where ${columnOfPart(part)} in (${ids})`,
  );
  return owners.map(({ owner }) => owner);
}

/**
 * Returns all names with which any row is linked in one part of a link field, such as all partners in the field
 * `cities`.
 */
export async function namesInUse(
  on: Queryable,
  { through }: Links,
  part: LinkPart,
): Promise<string[]> {
  const lines = await select<{ name: string }>(
    on,
    sql`select distinct n.name from ${name(through)} l
          join ${tableOf(part)} n on n.id = l.${columnOfPart(part)}`,
  );
  return lines.map((line) => line.name.normalize('NFC'));
}

/**
 * SQL that joins to each row `r` the names in one of its link fields, as the JSON text that packLinks() writes.
 * `condition` restricts the rows: it gets a column of row ids and returns the SQL condition for it.
 */
export function linkTexts(
  entity: Entity,
  field: string,
  links: Links,
  condition: (id: Statement) => Statement,
): Statement {
  const owner = sql`l.${ownerColumn(entity)}`;
  const target = nameIn(links, links.target);
  // Names are sorted by their bytes, because the collation of the column would ignore case and accents.
  return sql`left join (
    select ${owner} as owner,
           concat('[', group_concat(${linkText(links)} order by cast(convert(${target} using utf8mb4) as binary)
                                    separator ','), ']') as links,
           count(*) = count(distinct ${target}) as has_unique_names
      from ${name(links.through)} l ${linkedRows(links)}
     where ${condition(owner)}
     group by ${owner}) ${linksName(field)} on ${linksName(field)}.owner = r.id`;
}

/** SQL for one link `l` as a JSON text: the names of its parts. */
function linkText(links: Links): Statement {
  const parts = links.parts.map((part) => {
    const quoted = sql`json_quote(convert(${nameIn(links, part)} using utf8mb4))`;
    return part.isOptional ? sql`coalesce(${quoted}, 'null')` : quoted;
  });
  return sql`concat('[', concat_ws(',', ${join(parts, ', ')}), ']')`;
}

/** SQL for the column that linkTexts() joins; null for a row without links. */
export const linkColumn = (field: string): Statement => sql`${linksName(field)}.links`;

/** SQL for whether every link of a row has another name; null for a row without links. */
export const uniqueNamesColumn = (field: string): Statement =>
  sql`${linksName(field)}.has_unique_names`;

const linksColumn = (field: string) => `links of ${field}`;
const linksName = (field: string) => name(linksColumn(field));

const ownerColumn = (entity: Entity) => name(`${entity.table}_id`);
const columnOfPart = (part: LinkPart) => name(`${part.name}_id`);
const tableOf = ({ entity }: LinkPart) => name(entityNamed(entity).table);

/**
 * Returns SQL that joins, for each link `l`, the rows that its parts refer to, such as a city and a partner. The join
 * of an optional part is a left join, because the part may be missing.
 */
const linkedRows = (links: Links) =>
  join(
    links.parts.map((part) => {
      const alias = aliasOf(links, part);
      const on = sql`${tableOf(part)} ${alias} on ${alias}.id = l.${columnOfPart(part)}`;
      return part.isOptional ? sql`left join ${on}` : sql`join ${on}`;
    }),
    ' ',
  );

const aliasOf = ({ parts }: Links, part: LinkPart) => name(`part${parts.indexOf(part)}`);
const nameIn = (links: Links, part: LinkPart) => sql`${aliasOf(links, part)}.name`;

export class UnknownName extends Error {
  readonly reason: 'name-missing' | 'name-ambiguous';

  constructor(kind: string, text: string, times: 0 | 'several') {
    super(`The ${kind} "${text}" is ${times === 0 ? 'not there' : 'there more than once'}.`);
    this.reason = times === 0 ? 'name-missing' : 'name-ambiguous';
  }
}

function idOf(ids: IdsByEntity, { entity }: LinkPart, text: string | null): number | null {
  return text === null ? null : onlyId(ids.get(entity), entity, text);
}

function onlyId(ids: IdsByName | undefined, kind: string, text: string): number {
  const [id, ...others] = ids?.get(text) ?? [];
  if (id === undefined) throw new UnknownName(kind, text, 0);
  if (others.length > 0) throw new UnknownName(kind, text, 'several');
  return id;
}
