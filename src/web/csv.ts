// Writes lines of CSV.

export type Cell = string | number | boolean | null;

/**
 * A spreadsheet runs a text that begins with one of these characters as a formula; some read the full-width forms
 * `＝＋－＠` like the others.
 */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

const quoted = (text: string) =>
  /[",\r\n]|^\s|\s$|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Writes one line of CSV. Null becomes an empty cell, and an empty text becomes `""`. */
export const csvLine = (cells: readonly Cell[]): string =>
  `${cells.map((cell) => (cell === null ? '' : quoted(String(cell)))).join(',')}\r\n`;

/** Puts an apostrophe before a text that a spreadsheet would run as a formula. */
export const withoutFormula = (cell: Cell): Cell =>
  typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : cell;
