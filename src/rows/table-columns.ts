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

/** A column with its type. `definition`: such as `bigint(20) unsigned`. `fraction`: how many digits of a second it stores. */
export type TypedColumn = Column & {
  type: string;
  definition: string;
  isNullable: boolean;
  fraction: number | null;
};

/** Columns by table and column name. */
export type ColumnsByTable<C extends Column = Column> = Map<string, Map<string, C>>;
type Typed = ColumnsByTable<TypedColumn>;

/** How many milliseconds columns stay known. */
const TTL_MS = 5000;
const known = new WeakMap<object, { columns: Promise<Typed>; until: number }>();

/** Reads the columns of all tables with rows of the catalogue. For five seconds columnsOfTable() returns them, too. */
export function readColumns(on: Queryable): Promise<Typed> {
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
export async function columnsOfTable(
  on: Queryable,
  table: string,
): Promise<Map<string, TypedColumn>> {
  const recent = known.get(databaseOf(on));
  const columns = await (recent && Date.now() < recent.until ? recent.columns : readColumns(on));
  return (
    columns.get(table) ?? (await ask(on, [table])).get(table) ?? new Map<string, TypedColumn>()
  );
}

async function ask(on: Queryable, tables: string[]): Promise<Typed> {
  // MySQL returns truth values as numbers.
  type Line = Omit<TypedColumn, 'isRequired' | 'isNullable'> &
    Record<'isRequired' | 'isNullable', number> &
    Record<'tableName' | 'columnName', string>;
  const lines = await select<Line>(
    on,
    sql`select table_name as tableName, column_name as columnName,
               character_maximum_length as maxLength, character_set_name as charset,
               data_type as type, column_type as definition, is_nullable = 'YES' as isNullable,
               datetime_precision as fraction,
               is_nullable = 'NO' and column_default is null
                 and extra not like '%auto_increment%' and extra not like '%GENERATED%' as isRequired
          from information_schema.columns
         where table_schema = database() and table_name in (${tables})`,
  );
  const columns: Typed = new Map();
  for (const { tableName, columnName, ...column } of lines) {
    const table = columns.get(tableName) ?? new Map<string, TypedColumn>();
    const [isRequired, isNullable] = [Boolean(column.isRequired), Boolean(column.isNullable)];
    columns.set(tableName, table.set(columnName, { ...column, isRequired, isNullable }));
  }
  return columns;
}
