// The rejected lines of a data file: lines that became no row.
import { select, sql, type Queryable } from '../database/sql.ts';
import { csvLine } from '../web/csv.ts';
import { spreadsheetLine } from './csv.ts';
import { examinationOf } from './examination.ts';
import type { Column } from './reading/reading.ts';
import type { Datafile } from './registry.ts';

type StoredReject = {
  line: number;
  column_name: string | null;
  reason: string;
  message: string;
  excerpt: string;
};

/**
 * Lists the rejected lines of a loaded file, in the order of the file. A load stores at most 10,000
 * of them.
 */
export const list = (on: Queryable, datafile: number, limit = 50) =>
  select<StoredReject>(
    on,
    sql`select line, column_name, reason, message, excerpt from data_reject
         where datafile = ${datafile} order by line limit ${limit}`,
  );

const HEAD = ['line', 'column', 'reason', 'text'];
const columns: Column[] = HEAD.map((name) => ({ name, type: 'text', format: null }));

/**
 * Writes the rejected lines of a file as CSV with line, column, reason and rejected text. Returns
 * null if no line is rejected.
 */
export async function rejectsCsv(on: Queryable, file: Datafile): Promise<string | null> {
  const stored = await list(on, file.id, 10_000);
  const lines =
    stored.length > 0
      ? stored.map((one) => [one.line, one.column_name, one.message, one.excerpt] as const)
      : (examinationOf(file)?.rejects ?? []).map(
          (one) => [one.line, one.column, one.text, one.excerpt] as const,
        );
  if (lines.length === 0) return null;
  return csvLine(HEAD) + lines.map((line) => spreadsheetLine(columns, line)).join('');
}
