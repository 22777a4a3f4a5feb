// Writes CSV: for spreadsheets, with formulas made harmless, or as an exact copy.
import type { Column } from './reading/reading.ts';

type Cell = string | number | boolean | null;

/** A spreadsheet runs a text that begins with one of these characters as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

const quoted = (text: string) =>
  /[",\r\n]|^\s|\s$|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Writes one line of CSV. Null becomes an empty cell, and an empty text becomes `""`. */
export const csvLine = (cells: readonly Cell[]): string =>
  `${cells.map((cell) => (cell === null ? '' : quoted(String(cell)))).join(',')}\r\n`;

/**
 * Writes a row for a spreadsheet: a text that the spreadsheet would run as a formula gets an
 * apostrophe in front.
 */
export const spreadsheetLine = (columns: Column[], cells: readonly Cell[]): string =>
  csvLine(
    cells.map((cell, index) => (columns[index]?.type === 'text' ? withoutFormula(cell) : cell)),
  );

const withoutFormula = (cell: Cell) =>
  typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : cell;

/**
 * Writes the header line. Unless `isExact` is set, a column name that looks like a formula gets an
 * apostrophe in front.
 */
export const csvHeader = (columns: Column[], isExact: boolean): string =>
  csvLine(columns.map(({ name }) => (isExact ? name : withoutFormula(name))));
