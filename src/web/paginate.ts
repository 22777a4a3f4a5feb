// A long list in pages.

/** Rows per page. */
export const PAGE_SIZE = 200;

export type Page<T> = { shown: T[]; page: number; pages: number; from: number; all: number };

/** One page of rows; a page number out of range shows the nearest page. */
export function paginate<T>(rows: T[], wanted: number | null): Page<T> {
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_SIZE));
  const page = Math.min(Math.max(1, wanted ?? 1), pages);
  const from = (page - 1) * PAGE_SIZE;
  return { shown: rows.slice(from, from + PAGE_SIZE), page, pages, from, all: rows.length };
}
