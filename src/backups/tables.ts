// Backs up tables as SQL text that the MySQL server itself builds: exact for every column type, without parsing rows
// in Node.
import type { PoolConnection } from 'mysql2/promise';
import { columnOf, fieldEntries, isDocument, linksOf } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { join, name, select, sql, Statement } from '../database/sql.ts';
import { streamBytes } from '../database/stream.ts';
import { Unavailable } from '../problems.ts';

/** The columns of the catalogue’s tables; columns added by other programs are left out. */
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

/** The sync state is backed up without the names of people. */
export const STATE_TABLE = 'row_state';
const PERSON = 'production';
const isPerson = (table: string, column: string) => table === STATE_TABLE && column.endsWith('_by');

/** The largest INSERT statement in bytes; a longer row gets a statement of its own. */
const STATEMENT = 1_000_000;
const ROWS = 1000;

export type Dump = {
  parts: AsyncIterable<Uint8Array>;
  /** The number of rows, known once everything was read. */
  rows: () => number;
  columnsLeftOut: string[];
};

/**
 * Reads the rows of a table in key order as INSERT statements. A line break inside a value is written `\n`, so a line
 * that ends in a semicolon ends a statement.
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
const bytes = /^(binary|varbinary|tinyblob|blob|mediumblob|longblob)$/;

/** The SQL expression that prints a column as a literal. */
function cell(table: string, { name: column, type }: Column): Statement {
  const value = name(column);
  if (isPerson(table, column)) return sql`if(${value} is null, 'NULL', ${`'${PERSON}'`})`;
  if (numbers.test(type)) return sql`coalesce(${value}, 'NULL')`;
  // A FLOAT would be printed with only six digits, so it is cast first.
  if (type === 'float') return sql`coalesce(cast(${value} as double), 'NULL')`;
  if (bytes.test(type)) return sql`coalesce(concat('x''', hex(${value}), ''''), 'NULL')`;
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

/** The server returns NULL for a text longer than its limit, instead of an error. */
const tooLong = (table: string) =>
  new Unavailable(
    `A row of ${table} is longer than the MySQL server sends. Raise max_allowed_packet there, and take the backup again.`,
  );
