// Searches the rows of a version for a text, part by part: no index is kept, so one request reads only so many rows.
import type { Queryable } from '../database/sql.ts';
import { cellsFromJson } from './reading/values.ts';
import * as rows from './rows.ts';
import type { Version } from './versions.ts';

/** How many rows one request searches. */
const SEARCHED_ROWS = 100_000;
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
  const read = async (start: number, most: number) =>
    (await rows.page(on, { dataset, version }, { from: start, limit: most })).map((row) => ({
      id: row.id,
      cells: cellsFromJson(row.cells),
    }));
  if (search === null) {
    const page = await read(from, limit);
    const end = from + page.length;
    return { rows: page, searchedTo: end - 1, next: end <= all ? end : null };
  }
  const isFound = matcher(search);
  const found: FoundRow[] = [];
  const last = Math.min(all, from + SEARCHED_ROWS - 1);
  for (let start = from; start <= last; start += CHUNK) {
    for (const row of await read(start, Math.min(CHUNK, last - start + 1))) {
      if (isFound(row.cells)) found.push(row);
      if (found.length === limit) {
        return { rows: found, searchedTo: row.id, next: row.id < all ? row.id + 1 : null };
      }
    }
  }
  return { rows: found, searchedTo: last, next: last < all ? last + 1 : null };
}

function matcher({ text, column }: Search) {
  const wanted = folded(text);
  return (cells: FoundRow['cells']) =>
    (column === null ? cells : [cells[column] ?? null]).some(
      (cell) => cell !== null && folded(String(cell)).includes(wanted),
    );
}
