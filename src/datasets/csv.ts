// Writes CSV for spreadsheets and for exact copies.
import type { Column } from './reading/reading.ts';

type Cell = string | number | boolean | null;

/** Characters at the beginning of a text that make a spreadsheet run it as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

const quoted = (text: string) =>
  /[",\r\n]|^\s|\s$|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** One line of CSV: null is an empty cell, and an empty text is `""`. */
export const csvLine = (cells: readonly Cell[]): string =>
  `${cells.map((cell) => (cell === null ? '' : quoted(String(cell)))).join(',')}\r\n`;

/** A row as a spreadsheet may open it: a text that it would run as a formula gets a quote in front. */
export const spreadsheetLine = (columns: Column[], cells: readonly Cell[]): string =>
  csvLine(
    cells.map((cell, index) => (columns[index]?.type === 'text' ? withoutFormula(cell) : cell)),
  );

const withoutFormula = (cell: Cell) =>
  typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : cell;

/** The header of a table, also without formulas if `isExact` is not set. */
export const csvHeader = (columns: Column[], isExact: boolean): string =>
  csvLine(columns.map(({ name }) => (isExact ? name : withoutFormula(name))));
