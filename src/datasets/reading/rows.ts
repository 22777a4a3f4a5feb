// The second pass over a data file: parses its rows by the rules that were confirmed after the examination.
import { excerptOf } from './excerpt.ts';
import { decoded, notIn, WrongEncoding } from './encoding.ts';
import { Lines, type DataLine } from './lines.ts';
import type { Column, Counts, Reading, Reject } from './reading.ts';
import { unpack, type UnpackOptions } from './unpack.ts';
import { converterOf, type Convert } from './values.ts';

export type DataRow = { line: number; cells: (string | null)[] };
export type Batch = { rows: DataRow[]; rejects: Reject[] };

const BATCH_LINES = 5_000;
const BATCH_SIZE = 100_000;

/**
 * Yields the rows of a file in batches of at most 5,000 lines or about 100 kB. Returns how many lines of each kind
 * (row, rejected, empty …) the file has.
 * @throws Unreadable if the file does not match its parsing rules; Error if a line was counted never or twice
 */
export async function* readRows(
  content: AsyncIterable<Uint8Array>,
  reading: Reading,
  options: UnpackOptions = {},
): AsyncGenerator<Batch, Counts> {
  const unpacked = await unpack(content, options);
  const lines = new Lines(reading);
  const rowOf = rowReader(reading);
  let batch: Batch = { rows: [], rejects: [] };
  let size = 0;
  for await (const _text of texts(unpacked.content, reading, lines)) {
    for (let found = lines.next(); found; found = lines.next()) {
      const row = 'reason' in found ? found : rowOf(found);
      if ('reason' in row) batch.rejects.push(row);
      else batch.rows.push(row);
      if ('reason' in row && !('reason' in found)) lines.rejectRow(found);
      size += 'reason' in found ? found.excerpt.length : found.size;
      if (batch.rows.length + batch.rejects.length < BATCH_LINES && size < BATCH_SIZE) continue;
      yield batch;
      batch = { rows: [], rejects: [] };
      size = 0;
    }
  }
  const counts = lines.total();
  if (batch.rows.length + batch.rejects.length > 0) yield batch;
  return counts;
}

/**
 * Decodes the content of a file and passes the text to `lines`. Yields after each chunk of text, so that the caller can
 * take the rows of this chunk.
 */
async function* texts(content: AsyncIterable<Uint8Array>, reading: Reading, lines: Lines) {
  try {
    for await (const text of decoded(content, reading.encoding)) {
      lines.push(text);
      yield;
    }
  } catch (error) {
    if (!(error instanceof WrongEncoding)) throw error;
    throw notIn(reading.encoding);
  }
  lines.end();
  yield;
}

/**
 * Returns a function that converts the cells of a line to the values of the columns. That function returns the line as
 * rejected if a cell does not fit its column.
 */
export function rowReader({ columns, positions, width }: Reading) {
  const convert = columns.map(converterOf);
  const taken = new Set(positions);
  const dropped = Array.from({ length: width }, (_one, index) => index).filter(
    (index) => !taken.has(index),
  );
  return ({ line, cells }: DataLine): DataRow | Reject => {
    const surplus = dropped.find((index) => cells[index] !== '');
    if (surplus !== undefined) return inNoColumn(line, cells[surplus] ?? '');
    const values: (string | null)[] = cells;
    for (let index = 0; index < columns.length; index += 1) {
      // Values overwrite cells of the same array. This is safe because positions ascend, so each
      // cell is read before it is overwritten.
      const cell = cells[positions[index] as number] as string;
      const value = cell === '' ? null : (convert[index] as Convert)(cell);
      if (value === undefined) return misfit(line, columns[index] as Column, cell);
      values[index] = value;
    }
    values.length = columns.length;
    return { line, cells: values };
  };
}

function inNoColumn(line: number, cell: string): Reject {
  const text = 'a cell in a column that was empty throughout';
  return { line, column: null, reason: 'cells', text, excerpt: excerptOf(cell) };
}

export function misfit(line: number, { name, type, format }: Column, cell: string): Reject {
  const wanted = format === null ? names[type] : `${names[type]} (${format})`;
  const shown = cell.length > 60 ? `${excerptOf(cell, 60)}…` : excerptOf(cell);
  const text = `“${shown}” is not ${wanted}`;
  return { line, column: name, reason: 'type', text, excerpt: excerptOf(cell) };
}

const names: Record<Column['type'], string> = {
  integer: 'an integer',
  numeric: 'a number',
  real: 'a number',
  boolean: 'true or false',
  date: 'a date',
  timestamp: 'a time',
  text: 'text',
};
