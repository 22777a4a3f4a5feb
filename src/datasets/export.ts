// Exports a version as CSV, as a stream of parts: for spreadsheets, or as an exact copy.
import type { Queryable } from '../database/sql.ts';
import { csvHeader, csvLine, spreadsheetLine } from './csv.ts';
import { cellsFromJson } from './reading/values.ts';
import * as rows from './rows.ts';
import type { Version } from './versions.ts';

const ROWS = 2000;

/** Yields the CSV of a version; `isExact`: texts that look like formulas stay as they are. */
export async function* csvOf(
  on: Queryable,
  { dataset, number, columns, row_count: all }: Version,
  { isExact }: { isExact: boolean },
): AsyncGenerator<string> {
  yield csvHeader(columns, isExact);
  let from = 1;
  while (from <= all) {
    // A version that is being read is not purged.
    await rows.noteRead(on, { dataset, version: number });
    const page = await rows.page(on, { dataset, version: number }, { from, limit: ROWS });
    from += page.length;
    yield page
      .map(({ cells }) => cellsFromJson(cells))
      .map((cells) => (isExact ? csvLine(cells) : spreadsheetLine(columns, cells)))
      .join('');
  }
}
