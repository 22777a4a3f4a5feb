// Splits a long list into pages.
import { LINES } from '../database/newest-first.ts';

/** How many rows a page of a list shows. */
export const PAGE_SIZE = 200;

export type Page<T> = { shown: T[]; page: number; pages: number; from: number; all: number };

/** Returns one page of a list of rows. A page number out of range gives the nearest page. */
export function paginate<T>(rows: T[], wanted: number | null): Page<T> {
  const { number, pages, from } = nearestPage(rows.length, wanted, PAGE_SIZE);
  const shown = rows.slice(from, from + PAGE_SIZE);
  return { shown, page: number, pages, from, all: rows.length };
}

/**
 * Returns the number of the wanted page in a list of `all` rows, or of the nearest existing page, and the index of its
 * first row.
 */
export function nearestPage(all: number, wanted: number | null, size: number) {
  const pages = Math.max(1, Math.ceil(all / size));
  const number = Math.min(Math.max(1, wanted ?? 1), pages);
  return { number, pages, from: (number - 1) * size };
}

/**
 * Returns the URL of the page with the entries that are older than the last shown entry; null if
 * there are none.
 */
export function olderHref(
  path: string,
  filter: Record<string, string>,
  shown: number,
  last: number | undefined,
): string | null {
  if (shown < LINES || last === undefined) return null;
  const pairs = Object.entries({ ...filter, before: String(last) });
  return `${path}?${new URLSearchParams(pairs.filter(([, value]) => value !== '')).toString()}`;
}
