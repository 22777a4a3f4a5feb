// Limits what a page shows of a wide table: only some columns, and only the beginning of long cells.

/** A page shows at most this many columns of a table. */
export const COLUMNS_SHOWN = 200;
/** A page shows at most this many characters of a cell. */
const CELL_SHOWN = 300;

export const clip = (text: string) =>
  text.length > CELL_SHOWN ? `${text.slice(0, CELL_SHOWN)}…` : text;

/**
 * Returns the indexes of the columns that a page shows, in ascending order. If there are too many columns, those that
 * the page must show (`matters`), such as the searched column, are chosen first, then columns from the left.
 */
export function shownColumns(number: number, matters: (index: number) => boolean): number[] {
  const all = Array.from({ length: number }, (_, index) => index);
  if (number <= COLUMNS_SHOWN) return all;
  const { first = [], rest = [] } = Object.groupBy(all, (index) =>
    matters(index) ? 'first' : 'rest',
  );
  return [...first, ...rest].slice(0, COLUMNS_SHOWN).toSorted((one, other) => one - other);
}
