// The first pass over a data file: proposes a reading from all of its rows.
import type { Choices, ColumnType, Counts, Reading, Reject } from './reading.ts';

/** A question that only a person can answer, with examples from the file. */
export type Ask = {
  code: 'encoding' | 'dates' | 'numbers';
  column: string | null;
  /** The answers to choose from, the proposed one first: encodings or formats. */
  options: string[];
  examples: { line: number; text: string }[];
};

export type Fit = { type: ColumnType; format: string | null; cells: number };

/** What the cells of a column are: how many fit which type, and which do not fit the nearest one. */
export type ColumnFacts = {
  name: string;
  type: ColumnType;
  format: string | null;
  /** Cells that are empty. */
  empty: number;
  /** Cells that are not empty. */
  filled: number;
  /** How many filled cells fit each type and format; words for null fit every one but text. */
  fits: Fit[];
  samples: string[];
  /** The type other than text that most cells fit; null when none fits. */
  nearest: Fit | null;
  misfits: { line: number; text: string }[];
};

export type Examination = {
  reading: Reading;
  counts: Counts;
  asks: Ask[];
  columns: ColumnFacts[];
  /** The first 1,000. */
  rejects: Reject[];
  /** The first 20 rows, as they would be loaded. */
  preview: { line: number; cells: (string | null)[] }[];
  /** The first 20 lines above the header. */
  above: { line: number; text: string }[];
  /** The first 100 lines with a quote inside an unquoted cell. */
  strayQuotes: number[];
};

export type Open = () => Promise<AsyncIterable<Uint8Array>>;

/**
 * Reads the whole file, more than once when its encoding is not the first one tried.
 * @throws Unreadable
 */
export function examine(
  _open: Open,
  _fileName: string,
  _choices: Choices = {},
  _options: { limitBytes?: number } = {},
): Promise<Examination> {
  return Promise.reject(new Error('Not written yet'));
}
