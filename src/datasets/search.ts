// Searches the rows of a dataset version for a text. There is no search index, so one request scans a limited number of
// rows and returns where the next request continues.
import type { Queryable } from '../database/sql.ts';
import { cellsFromJson } from './reading/values.ts';
import * as rows from './rows.ts';
import type { Version } from './versions.ts';

/** One request scans at most this many rows, or about this many characters. */
const SEARCHED_ROWS = 100_000;
const SEARCHED_LENGTH = 200_000_000;
const CHUNK = 5000;

type FoundRow = { id: number; cells: (string | number | boolean | null)[] };

/** A text to search for. `column`: the index of the only column to search; null for all columns. */
export type Search = { text: string; column: number | null };

/**
 * The rows of one page of the table. `next`: the id of the row where the next page begins; null at
 * the end of the version.
 */
export type FoundRows = { rows: FoundRow[]; searchedTo: number; next: number | null };

/** Removes accents and upper case from a text, so that “zurich” finds “Zürich”. */
const folded = (text: string) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();

/** Reads one page of rows. With a search, reads only rows that contain the text. */
export async function find(
  on: Queryable,
  { dataset, number: version, row_count: all }: Version,
  { search, from, limit }: { search: Search | null; from: number; limit: number },
): Promise<FoundRows> {
  const read = (start: number, most: number) =>
    rows.page(on, { dataset, version }, { from: start, limit: most });
  if (search === null) {
    const page = (await read(from, limit)).map(withCells);
    const end = from + page.length;
    return { rows: page, searchedTo: end - 1, next: end <= all ? end : null };
  }
  const isFound = matcher(search);
  const found: FoundRow[] = [];
  const last = Math.min(all, from + SEARCHED_ROWS - 1);
  let [start, length] = [from, 0];
  while (start <= last && length < SEARCHED_LENGTH) {
    const page = await read(start, Math.min(CHUNK, last - start + 1));
    for (const row of page) {
      length += row.cells.length;
      const one = withCells(row);
      if (isFound(one.cells)) found.push(one);
      if (found.length === limit) {
        return { rows: found, searchedTo: row.id, next: row.id < all ? row.id + 1 : null };
      }
    }
    start += page.length;
  }
  return { rows: found, searchedTo: start - 1, next: start <= all ? start : null };
}

const withCells = ({ id, cells }: { id: number; cells: string }): FoundRow => ({
  id,
  cells: cellsFromJson(cells),
});

function matcher({ text, column }: Search) {
  const wanted = folded(text);
  return (cells: FoundRow['cells']) =>
    (column === null ? cells : [cells[column] ?? null]).some(
      (cell) => cell !== null && folded(String(cell)).includes(wanted),
    );
}
