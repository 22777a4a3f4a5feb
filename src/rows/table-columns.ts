// The columns of the destination’s tables, to check whether they can store what is sent.
import { isDocument } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { select, sql } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';

export type Column = {
  maxLength: number | null;
  isRequired: boolean;
  /** The character set of a text column; null for other columns. */
  charset: string | null;
};

/** Columns by table and column name. */
export type ColumnsByTable = Map<string, Map<string, Column>>;

export async function columnsThere(there: Environment): Promise<ColumnsByTable> {
  const tables = catalog.filter((entity) => !isDocument(entity)).map(({ table }) => table);
  const lines = await select<{
    tableName: string;
    columnName: string;
    maxLength: number | null;
    isRequired: number;
    charset: string | null;
  }>(
    there.sql,
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
