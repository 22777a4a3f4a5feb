// Rows of a table told in a line each, made by the server that keeps them, so that two places can be compared
// without moving their rows. The content in it is exact: every value with its length, nulls told from texts, and
// linked names beside them. MD5 stands for it only against accident, as everywhere in this program.
import { columnOf, fieldEntries, type Entity } from '../catalog/entity.ts';
import { join, name, select, sql, type Queryable, type Statement } from '../database/sql.ts';

import { lately } from './lately.ts';

/** So many ids are one stretch, whether or not they all have a row. */
export const STRETCH = 1000;
export const stretchOf = (id: number) => Math.floor(id / STRETCH);

/** `<MD5 of the content> <id> <modified_at>` */
export type Line = string;
export const contentIn = (line: Line) => line.slice(0, 32);
export const idIn = (line: Line) => Number.parseInt(line.slice(33), 10);

/** Lines of the rows whose stretch is from `first` to `last`, by stretch and in order of id. */
export async function digests(
  on: Queryable,
  entity: Entity,
  first: number,
  last: number,
): Promise<Map<number, Line[]>> {
  const [from, to] = [first * STRETCH, (last + 1) * STRETCH];
  const content = await contentColumns(on, entity);
  const links = fieldEntries(entity).flatMap(([, { through }]) => through ?? []);
  const lines = await select<{ line: Line }>(
    on,
    sql`select concat_ws(' ', md5(concat_ws('|', ${join(content, ', ')})), r.id, r.modified_at) as line
          from ${name(entity.table)} r ${join(
            links.map((through) => linksOf(entity, through, from, to)),
            ' ',
          )}
         where r.id >= ${from} and r.id < ${to}
         order by r.id`,
  );
  const found = new Map<number, Line[]>();
  let own: Line[] = [];
  let stretch = -1;
  for (const { line } of lines) {
    const number = stretchOf(idIn(line));
    if (number !== stretch) {
      stretch = number;
      own = [];
      found.set(stretch, own);
    }
    own.push(line);
  }
  return found;
}

/** Every column that travels, with its length; one that this database does not have is told apart from null. */
async function contentColumns(on: Queryable, entity: Entity): Promise<Statement[]> {
  const columns = await lately(on, `columns of ${entity.table}`, () =>
    select<{ name: string }>(
      on,
      sql`select column_name as name from information_schema.columns
           where table_schema = database() and table_name = ${entity.table}`,
    ),
  );
  const known = new Set(columns.map((column) => column.name));
  return fieldEntries(entity)
    .filter(([, { local }]) => !local)
    .map(([field, definition]) => {
      const column = columnOf(field, definition);
      if (column && !known.has(column)) return sql`'missing'`;
      const value = column ? sql`r.${name(column)}` : sql`${name(definition.through ?? '')}.links`;
      return sql`coalesce(length(${value}), '-'), ${value}`;
    });
}

/** The linked names of each row, as one text. */
function linksOf(entity: Entity, through: string, from: number, to: number): Statement {
  const owner = name(`${entity.table}_id`);
  return sql`left join (
      select l.${owner} as owner,
             group_concat(concat_ws('|', length(c.name), c.name, coalesce(length(p.name), '-'), p.name)
                          order by c.name separator ',') as links
        from ${name(through)} l
        join city c on c.id = l.city_id
        left join partner p on p.id = l.partner_id
       where l.${owner} >= ${from} and l.${owner} < ${to}
       group by l.${owner}
    ) ${name(through)} on ${name(through)}.owner = r.id`;
}

/** The first id of a table from `from` on. */
export async function nextId(on: Queryable, table: string, from: number): Promise<number | null> {
  const [line] = await select<{ id: number | null }>(
    on,
    sql`select min(id) as id from ${name(table)} where id >= ${from}`,
  );
  return line?.id ?? null;
}
