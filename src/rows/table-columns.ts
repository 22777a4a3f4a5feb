// The columns of an environment’s tables: to check whether a destination can store what is sent, and to let MySQL compute
// hashes of rows.
import { isDocument } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { databaseOf, select, sql, type Queryable } from '../database/sql.ts';

export type Column = {
  maxLength: number | null;
  isRequired: boolean;
  /** The character set of a text column; null for other columns. */
  charset: string | null;
};

/** Columns by table and column name. */
export type ColumnsByTable = Map<string, Map<string, Column>>;

/** How many milliseconds columns stay known. */
const TTL_MS = 5000;
const known = new WeakMap<object, { columns: Promise<ColumnsByTable>; until: number }>();

/** Reads the columns of all tables with rows of the catalogue. For five seconds columnsOfTable() returns them, too. */
export function readColumns(on: Queryable): Promise<ColumnsByTable> {
  const tables = catalog.filter((entity) => !isDocument(entity)).map(({ table }) => table);
  const columns = ask(on, tables);
  known.set(databaseOf(on), { columns, until: Date.now() + TTL_MS });
  columns.catch(() => known.delete(databaseOf(on)));
  return columns;
}

/**
 * Returns the columns of a table as they were at most five seconds ago, also if another connection has read them. A
 * table that does not exist has none.
 */
export async function columnsOfTable(on: Queryable, table: string): Promise<Map<string, Column>> {
  const recent = known.get(databaseOf(on));
  const columns = await (recent && Date.now() < recent.until ? recent.columns : readColumns(on));
  return columns.get(table) ?? (await ask(on, [table])).get(table) ?? new Map<string, Column>();
}

async function ask(on: Queryable, tables: string[]): Promise<ColumnsByTable> {
  const lines = await select<{
    tableName: string;
    columnName: string;
    maxLength: number | null;
    isRequired: number;
    charset: string | null;
  }>(
    on,
    sql`select table_name as tableName, column_name as columnName,
               character_maximum_length as maxLength, character_set_name as charset,
               is_nullable = 'NO' and column_default is null
                 and extra not like '%auto_increment%' and extra not like '%GENERATED%' as isRequired
          from information_schema.columns
         where table_schema = database() and table_name in (${tables})`,
  );
  const columns: ColumnsByTable = new Map();
  for (const { tableName, columnName, maxLength, isRequired, charset } of lines) {
    const table = columns.get(tableName) ?? new Map<string, Column>();
    columns.set(
      tableName,
      table.set(columnName, { maxLength, isRequired: Boolean(isRequired), charset }),
    );
  }
  return columns;
}
