// Finds the rows whose hash MySQL may compute differently than hashOf(), so that the program must read them before it
// records their hash: rows with a control character above U+000A on MariaDB (which escapes it as `\u000B`, not
// `\u000b`), with linked names that may not be in Unicode NFC, or with stored values that do not fit their field (see
// catalog/misfits.ts). For all other rows, the hash that MySQL computes is certain to be that of hashOf().
import { columnOf, fieldEntries, linksOf, type Entity } from '../catalog/entity.ts';
import { join, name, sql, type Queryable, type Statement } from '../database/sql.ts';
import { linkColumn, uniqueNamesColumn } from './links.ts';
import { columnsOfTable, readColumns, type TypedColumn } from './table-columns.ts';

/**
 * Returns SQL that is true for a row `r` whose hash may differ from that of hashOf(). Returns null if the table has
 * columns of another type than Oneway gave them, so that the hash of any row may differ.
 */
export async function uncertainRows(on: Queryable, entity: Entity): Promise<Statement | null> {
  const tests = await testsOf(on, entity);
  if (tests === null) return null;
  const all = [...tests, ...linksOf(entity).map(({ field }) => isUnusual(field)), sql`false`];
  return sql`coalesce(${join(all, ' or ')}, false)`;
}

/** SQL conditions for unusual values of each column; null if a column has a type that does not fit its field. */
async function testsOf(on: Queryable, entity: Entity): Promise<Statement[] | null> {
  // The types are read now and not from the cache, because a recorded hash must be right.
  await readColumns(on);
  const types = await columnsOfTable(on, entity.table);
  const tests: Statement[] = [];
  for (const [field, definition] of fieldEntries(entity)) {
    const column = columnOf(field, definition);
    const type = column === null ? undefined : types.get(column);
    if (definition.local || column === null || !type) continue;
    const kind = kinds[definition.kind];
    if (!kind?.fits(type)) return null;
    const value = sql`r.${name(column)}`;
    tests.push(...kind.unusual(value, type));
    if (type.isNullable && !definition.optional && kind !== flag) tests.push(sql`${value} is null`);
  }
  return tests;
}

type Kind = {
  /** Whether a column of this type stores values as Oneway reads them. */
  fits: (type: TypedColumn) => boolean;
  /** SQL conditions for the values whose JSON text may differ, or which do not fit the field. */
  unusual: (value: Statement, type: TypedColumn) => Statement[];
};

const isOneOf = (types: string) => {
  const all = new Set(types.split(' '));
  return ({ type }: TypedColumn) => all.has(type);
};

const isText = isOneOf('char varchar tinytext text mediumtext longtext');
const isInteger = isOneOf('tinyint smallint mediumint int bigint');
const isTime = isOneOf('datetime timestamp');

/** The control characters that JSON escapes with hexadecimal digits which may be letters. */
const CONTROL = '[\u000B\u000E\u000F\u001A-\u001F]';
/** The program reads numbers of up to 15 digits as numbers. */
const LARGEST = 999_999_999_999_999;

const text: Kind = { fits: isText, unusual: (value) => [sql`${value} regexp ${CONTROL}`] };
const integer: Kind = {
  fits: (type) => isInteger(type) && !type.definition.includes('zerofill'),
  unusual: (value, { type }) =>
    type === 'bigint' ? [sql`${value} > ${LARGEST}`, sql`${value} < ${-LARGEST}`] : [],
};
const reference: Kind = {
  ...integer,
  unusual: (value, type) => [...integer.unusual(value, type), sql`${value} <= 0`],
};
const flag: Kind = { fits: isInteger, unusual: () => [] };
const instant: Kind = {
  fits: (type) => isTime(type) && (type.fraction === 0 || (type.fraction ?? 0) >= 3),
  // MySQL also stores dates that do not exist, such as 2026-02-00, and has no last day for some of them.
  unusual: (value) => [
    sql`${value} is not null
        and coalesce(dayofmonth(${value}) not between 1 and dayofmonth(last_day(${value})), true)`,
  ],
};

const kinds: Record<string, Kind> = {
  text,
  'long-text': text,
  link: text,
  image: text,
  choice: text,
  integer,
  reference,
  flag,
  instant,
};

/**
 * SQL that is true for a row if the text of its links may differ: it is not plain ASCII, has an escaped control
 * character, or has a name twice, so that the order of its links is not certain.
 */
function isUnusual(field: string): Statement {
  const text = linkColumn(field);
  return sql`not ${uniqueNamesColumn(field)} or length(${text}) <> char_length(${text})
             or locate(${'\\u00'}, ${text}) > 0`;
}
