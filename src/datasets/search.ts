// Searches the rows of a version for a text, part by part: no index is kept, so one request reads only so many rows.
import type { Queryable } from '../database/sql.ts';
import { cellsFromJson } from './reading/values.ts';
import * as rows from './rows.ts';
import type { Version } from './versions.ts';

/** How many rows one request searches, and about how many characters. */
const SEARCHED_ROWS = 100_000;
const SEARCHED_LENGTH = 200_000_000;
const CHUNK = 5000;

type FoundRow = { id: number; cells: (string | number | boolean | null)[] };

/** `column`: the index of the only column to search; null for all. */
export type Search = { text: string; column: number | null };

/** Rows that a page of the table shows. `next`: where the next page begins; null at the end. */
export type FoundRows = { rows: FoundRow[]; searchedTo: number; next: number | null };

/** A text without capitals and accents, as people search for it. */
const folded = (text: string) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();

/** Reads a page of rows; with a search, only rows that contain the text. */
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
