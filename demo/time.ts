import { name, run, select, sql } from '../src/database/sql.ts';
import type { Environments } from './environments.ts';

/**
 * Moves all stored dates into the past, so that the demo shows a week of work without waiting a
 * week.
 */
export async function letTimePass(environments: Environments, { days }: { days: number }) {
  const milliseconds = days * 24 * 60 * 60 * 1000;
  for (const { sql: pool, documents } of Object.values(environments)) {
    const columns = await select<{ tableName: string; columnName: string }>(
      pool,
      sql`select table_name as tableName, column_name as columnName from information_schema.columns
           where table_schema = database() and data_type = 'datetime'
             and column_name not in ('start', 'end', 'instant')`,
    );
    for (const { tableName, columnName } of columns) {
      const column = name(columnName);
      await run(
        pool,
        sql`update ${name(tableName)} set ${column} = ${column} - interval ${milliseconds * 1000} microsecond`,
      );
    }
    for (const collection of ['form', 'form_field']) {
      await documents
        .collection(collection)
        .updateMany({}, [{ $set: { modified_at: { $subtract: ['$modified_at', milliseconds] } } }]);
    }
  }
}
