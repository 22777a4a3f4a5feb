// Backs up tables as SQL text that the MySQL server itself builds. Such text is exact for every column type, and Node
// need not parse rows.
import type { PoolConnection } from 'mysql2/promise';
import { columnOf, fieldEntries, isDocument, linksOf } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { join, name, select, sql, Statement } from '../database/sql.ts';
import { streamBytes } from '../database/stream.ts';
import { Unavailable } from '../problems.ts';

/**
 * Returns the columns of each table of the catalogue. Columns that other programs added are left
 * out of backups.
 */
export function catalogueColumns(): Map<string, string[]> {
  const columns = new Map<string, string[]>();
  for (const entity of catalog.filter((one) => !isDocument(one))) {
    const own = fieldEntries(entity).flatMap(([field, one]) => columnOf(field, one) ?? []);
    columns.set(entity.table, ['id', ...own, 'modified_at']);
    for (const { links } of linksOf(entity)) {
      const parts = links.parts.map((part) => `${part.name}_id`);
      columns.set(links.through, [`${entity.name}_id`, ...parts]);
    }
  }
  return columns;
}

type Column = { name: string; type: string };

/**
 * The table with the state of each row: its version and hash, and when and by whom it was created, changed and marked.
 * A backup contains this table without the names of people.
 */
export const STATE_TABLE = 'row_state';
const PERSON = 'production';
const isPerson = (table: string, column: string) => table === STATE_TABLE && column.endsWith('_by');

/** A new INSERT statement begins as soon as the present statement has more than this many bytes. */
const STATEMENT = 1_000_000;
const ROWS = 1000;

export type Dump = {
  parts: AsyncIterable<Uint8Array>;
  /** Returns the number of rows in the dump. Call it only after all of `parts` has been read. */
  rows: () => number;
  columnsLeftOut: string[];
};

/**
 * Reads a table as INSERT statements, with its rows in the order of their key. A line break inside a value is written
 * `\n`, so a line that ends with a semicolon ends a statement.
 */
export async function dumpTable(
  on: PoolConnection,
  table: string,
  wanted: string[] | null,
): Promise<Dump> {
  const all = await columnsOf(on, table);
  const columns = all.filter((one) => wanted === null || wanted.includes(one.name));
  const key = await keyOf(on, table);
  const cells = columns.map((column) => cell(table, column));
  const lines = streamBytes(
    on,
    sql`select concat('(', concat_ws(',', ${join(cells, ', ')}), ')') from ${name(table)}
         order by ${join(key.map(name), ', ')}`,
  );
  const names = columns.map((one) => name(one.name).text).join(', ');
  const head = Buffer.from(`INSERT INTO ${name(table).text} (${names}) VALUES\n`);
  let rows = 0;
  return {
    parts: statementsOf(head, lines, () => (rows += 1), table),
    rows: () => rows,
    columnsLeftOut: all
      .filter((one) => !columns.includes(one))
      .map((one) => `${table}.${one.name}`),
  };
}

const columnsOf = (on: PoolConnection, table: string) =>
  select<Column>(
    on,
    sql`select column_name as name, data_type as type from information_schema.columns
         where table_schema = database() and table_name = ${table}
           and coalesce(generation_expression, '') = ''
         order by ordinal_position`,
  );

async function keyOf(on: PoolConnection, table: string): Promise<string[]> {
  const parts = await select<{ name: string }>(
    on,
    sql`select column_name as name from information_schema.statistics
         where table_schema = database() and table_name = ${table} and index_name = 'PRIMARY'
         order by seq_in_index`,
  );
  return parts.map((part) => part.name);
}

const numbers = /^(tinyint|smallint|mediumint|int|bigint|decimal|double|year)$/;
const times = /^(date|time|datetime|timestamp)$/;
const bytes = /^(binary|varbinary|tinyblob|blob|mediumblob|longblob)$/;

/**
 * Returns the SQL expression with which the MySQL server formats the value of a column for an
 * INSERT statement.
 */
function cell(table: string, { name: column, type }: Column): Statement {
  const value = name(column);
  if (isPerson(table, column)) return sql`if(${value} is null, 'NULL', ${`'${PERSON}'`})`;
  if (numbers.test(type)) return sql`coalesce(${value}, 'NULL')`;
  // MySQL formats a FLOAT with only six digits, so the value is converted to DOUBLE first.
  if (type === 'float') return sql`coalesce(cast(${value} as double), 'NULL')`;
  if (bytes.test(type)) return sql`coalesce(concat('x''', hex(${value}), ''''), 'NULL')`;
  if (times.test(type)) return sql`quote(${value})`;
  return sql`replace(replace(quote(${value}), '\n', '\\\\n'), '\r', '\\\\r')`;
}

async function* statementsOf(
  head: Buffer,
  lines: AsyncIterable<Buffer | null>,
  counted: () => void,
  table: string,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from('SET NAMES utf8mb4;\n');
  let parts: Buffer[] = [];
  let size = 0;
  const statement = () => Buffer.concat([...parts, Buffer.from(';\n')]);
  for await (const line of lines) {
    if (line === null) throw tooLong(table);
    counted();
    parts.push(parts.length === 0 ? head : Buffer.from(',\n'), line);
    size += line.length;
    if (size > STATEMENT || parts.length >= 2 * ROWS) {
      yield statement();
      parts = [];
      size = 0;
    }
  }
  if (parts.length > 0) yield statement();
}

/**
 * The error for a row that is longer than the MySQL server can send. MySQL returns NULL for such a
 * row instead of an error.
 */
const tooLong = (table: string) =>
  new Unavailable(
    `A row of ${table} is longer than the MySQL server sends. Raise max_allowed_packet there, and take the backup again.`,
  );
