// Writes the rows of datasets as CSV: for spreadsheets, with formulas made harmless, or as an exact copy.
import { csvLine, withoutFormula, type Cell } from '../web/csv.ts';
import type { Column } from './reading/reading.ts';

/**
 * Writes a row for a spreadsheet: a text that the spreadsheet would run as a formula gets an
 * apostrophe in front.
 */
export const spreadsheetLine = (columns: Column[], cells: readonly Cell[]): string =>
  csvLine(
    cells.map((cell, index) => (columns[index]?.type === 'text' ? withoutFormula(cell) : cell)),
  );

/**
 * Writes the header line. Unless `isExact` is set, a column name that looks like a formula gets an
 * apostrophe in front.
 */
export const csvHeader = (columns: Column[], isExact: boolean): string =>
  csvLine(columns.map(({ name }) => (isExact ? name : withoutFormula(name))));
