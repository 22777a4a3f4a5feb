// SQL with which MySQL computes the hash of a row, equal to that of hashOf(). In a few cases, which exact-hashes.ts
// finds, the hash differs from that of hashOf(), and equal rows may have different hashes. The program then reads the row
// and compares its content.
import { columnOf, fieldEntries, linksOf, type Entity } from '../catalog/entity.ts';
import type { Field } from '../catalog/fields.ts';
import { join, name, sql, type Queryable, type Statement } from '../database/sql.ts';
import { linkColumn, linkTexts } from './links.ts';
import { columnsOfTable, type Column } from './table-columns.ts';

/** The digits of a hash. What MySQL returns for a row that it could not hash is shorter. */
export const HASH_LENGTH = 64;

/**
 * SQL that selects id and hash of rows; `condition` returns the SQL condition for the column of ids that it is given.
 * `ofAllFields`: the hash covers local fields, too. `alongside`: more columns to select.
 */
export async function hashesWhere(
  on: Queryable,
  entity: Entity,
  condition: (id: Statement) => Statement,
  { ofAllFields = false, alongside = sql`` } = {},
): Promise<Statement> {
  const columns = await columnsOfTable(on, entity.table);
  const fields = fieldEntries(entity)
    .filter(([, { local }]) => ofAllFields || !local)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([field, definition]) => {
      const text = definition.links
        ? sql`coalesce(${linkColumn(field)}, '[]')`
        : textOfColumn(field, definition, columns);
      return text ? [{ quoted: JSON.stringify(field), text }] : [];
    });
  const parts = fields.map(({ quoted, text }, index) => {
    const before = `${index === 0 ? `${entity.name}\n` : ','}${quoted}:`;
    return sql`${before}, ${text}`;
  });
  const joined = join(
    linksOf(entity).map(({ field, links }) => linkTexts(entity, field, links, condition)),
    ' ',
  );
  // The server returns NULL for a text that is longer than its max_allowed_packet. Such a row counts as different from
  // any other, so that the program reads it.
  return sql`select r.id, coalesce(sha2(concat(${join(parts, ', ')}), 256), concat(uuid())) as hash${alongside}
               from ${name(entity.table)} r ${joined}
              where ${condition(sql`r.id`)} and r.id <= ${Number.MAX_SAFE_INTEGER}`;
}

type Columns = Map<string, Column>;

/** SQL for the JSON text of a column, in utf8mb4; null for a column that this database lacks. */
function textOfColumn(field: string, definition: Field, columns: Columns): Statement | null {
  const column = columnOf(field, definition);
  const stored = column && columns.get(column);
  if (!stored) return null;
  const value = sql`r.${name(column)}`;
  const asJson = jsonOf[definition.kind];
  if (asJson) return asJson(value);
  // Converting a text takes as long as hashing it, so texts that are in utf8mb4 already are not converted.
  const text = stored.charset === 'utf8mb4' ? value : sql`convert(${value} using utf8mb4)`;
  return sql`coalesce(json_quote(${text}), 'null')`;
}

const number = (value: Statement) => sql`coalesce(${value}, 'null')`;

/** SQL for the JSON text of a stored value that is no text, by kind of field. */
const jsonOf: Record<string, (value: Statement) => Statement> = {
  integer: number,
  reference: number,
  flag: (value) => sql`if(${value}, 'true', 'false')`,
  instant: (value) =>
    sql`coalesce(concat('"', replace(cast(${value} as char), ' ', 'T'),
                        if(locate('.', cast(${value} as char)) > 0, '', '.000'), 'Z"'), 'null')`,
};
