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
  for (let from = 1; from <= all; from += ROWS) {
    const page = await rows.page(on, { dataset, version: number }, { from, limit: ROWS });
    yield page
      .map(({ cells }) => cellsFromJson(cells))
      .map((cells) => (isExact ? csvLine(cells) : spreadsheetLine(columns, cells)))
      .join('');
  }
}
