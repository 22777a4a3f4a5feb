// A long list in pages.

/** How many rows a page shows at the most. */
export const SHOWN = 200;

export type Turned<T> = { shown: T[]; page: number; pages: number; from: number; all: number };

/** One page of rows; a page that there is not is the nearest one. */
export function turnTo<T>(rows: T[], wanted: number | null): Turned<T> {
  const pages = Math.max(1, Math.ceil(rows.length / SHOWN));
  const page = Math.min(Math.max(1, wanted ?? 1), pages);
  const from = (page - 1) * SHOWN;
  return { shown: rows.slice(from, from + SHOWN), page, pages, from, all: rows.length };
}
