// Splits a long list into pages.

/** How many rows a page of a list shows. */
export const PAGE_SIZE = 200;

export type Page<T> = { shown: T[]; page: number; pages: number; from: number; all: number };

/** Returns one page of a list of rows. A page number out of range gives the nearest page. */
export function paginate<T>(rows: T[], wanted: number | null): Page<T> {
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_SIZE));
  const page = Math.min(Math.max(1, wanted ?? 1), pages);
  const from = (page - 1) * PAGE_SIZE;
  return { shown: rows.slice(from, from + PAGE_SIZE), page, pages, from, all: rows.length };
}

/** How many entries a page of a chronological list shows. */
const LINES = 50;

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
