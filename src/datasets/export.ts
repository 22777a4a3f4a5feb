// Exports a version of a dataset as a stream of CSV: for spreadsheets, or as an exact copy.
import type { Queryable } from '../database/sql.ts';
import { csvLine } from '../web/csv.ts';
import { csvHeader, spreadsheetLine } from './csv.ts';
import { cellsFromJson } from './reading/values.ts';
import * as rows from './rows.ts';
import type { Version } from './versions.ts';

const ROWS = 2000;

/**
 * Yields the CSV of a version. With `isExact`, texts that look like formulas are not changed;
 * otherwise an apostrophe in front keeps a spreadsheet from running them.
 */
export async function* csvOf(
  on: Queryable,
  version: Version,
  { isExact }: { isExact: boolean },
): AsyncGenerator<string> {
  const { columns } = version;
  yield csvHeader(columns, isExact);
  for await (const page of rows.pages(on, version, ROWS)) {
    // Records that this version is being read. The hourly deletion of old rows then keeps the rows of this version
    // during the export.
    await rows.noteRead(on, { dataset: version.dataset, version: version.number });
    yield page
      .map(({ cells }) => cellsFromJson(cells))
      .map((cells) => (isExact ? csvLine(cells) : spreadsheetLine(columns, cells)))
      .join('');
  }
}
