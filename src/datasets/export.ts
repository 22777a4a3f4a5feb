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
  version: Version,
  { isExact }: { isExact: boolean },
): AsyncGenerator<string> {
  const { columns } = version;
  yield csvHeader(columns, isExact);
  for await (const page of rows.pages(on, version, ROWS)) {
    // A version that is being read is not purged.
    await rows.noteRead(on, { dataset: version.dataset, version: version.number });
    yield page
      .map(({ cells }) => cellsFromJson(cells))
      .map((cells) => (isExact ? csvLine(cells) : spreadsheetLine(columns, cells)))
      .join('');
  }
}
