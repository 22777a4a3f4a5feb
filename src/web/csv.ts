// Writes lines of CSV.

export type Cell = string | number | boolean | null;

/** A spreadsheet runs a text that begins with one of these characters as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

const quoted = (text: string) =>
  /[",\r\n]|^\s|\s$|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Writes one line of CSV. Null becomes an empty cell, and an empty text becomes `""`. */
export const csvLine = (cells: readonly Cell[]): string =>
  `${cells.map((cell) => (cell === null ? '' : quoted(String(cell)))).join(',')}\r\n`;

/** Puts an apostrophe before a text that a spreadsheet would run as a formula. */
export const withoutFormula = (cell: Cell): Cell =>
  typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : cell;
