// What a page shows of a wide table: only so many of its columns, and only the beginning of long cells.

/** The most columns of a table that a page shows. */
export const COLUMNS_SHOWN = 200;
/** The most characters of a cell that a page shows. */
const CELL_SHOWN = 300;

export const clip = (text: string) =>
  text.length > CELL_SHOWN ? `${text.slice(0, CELL_SHOWN)}…` : text;

/** The indexes of the columns that are shown: those that matter first, then from the left; in their order. */
export function shownColumns(number: number, matters: (index: number) => boolean): number[] {
  const all = Array.from({ length: number }, (_, index) => index);
  if (number <= COLUMNS_SHOWN) return all;
  const { first = [], rest = [] } = Object.groupBy(all, (index) =>
    matters(index) ? 'first' : 'rest',
  );
  return [...first, ...rest].slice(0, COLUMNS_SHOWN).toSorted((one, other) => one - other);
}
