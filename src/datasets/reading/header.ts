// Finds the header: the line with the names of the columns.
import { isEmpty, recordsOf, usualWidth, type Sample } from './delimiter.ts';
import { Unreadable } from './reading.ts';
import { shapeOf, shapes } from './shapes.ts';
import { CELL_LIMIT } from './text-window.ts';
import type { LineRecord } from './tokenizer.ts';

export type Layout = {
  headerLine: number | null;
  header: string[];
  /** The number of cells that each record of the file must have. */
  width: number;
};

/**
 * Finds the header line and the number of cells per record in a sample. `chosen`: the header line
 * that a person chose; null for no header, undefined for no choice.
 * @throws Unreadable if the chosen line cannot be the header, or the file has too many columns
 */
export function layoutOf(
  sample: Sample,
  delimiter: string,
  chosen: number | null | undefined,
): Layout {
  const line = chosen === undefined ? proposeHeader(recordsOf(sample, delimiter)) : chosen;
  const records = recordsOf(sample, delimiter, line ?? 1);
  const wide = records.filter(({ damage }) => damage === 'too-wide').length;
  if (wide * 2 > records.length) throw tooWide();
  if (line === null) return { headerLine: null, header: [], width: usualWidth(records).width };
  const [header] = records;
  if (!header || header.damage || isEmpty(header)) throw noHeader(line, header);
  return { headerLine: line, header: header.cells, width: widthUnder(header, records.slice(1)) };
}

const tooWide = () =>
  new Unreadable('header', `The file has more than ${CELL_LIMIT} columns. Leave some of them out.`);

function noHeader(line: number, header: LineRecord | undefined): Unreadable {
  let why = 'the file has no such line, or not near its beginning';
  if (header) why = header.damage ? 'its quotes do not close' : 'it is empty';
  return new Unreadable(
    'header',
    `Line ${line} cannot be the header: ${why}. Choose another line.`,
  );
}

/**
 * Proposes as header line the first record that covers the columns of most records and has at least
 * half of its cells filled. Returns null, for no header, if that record holds only numbers.
 */
function proposeHeader(records: LineRecord[]): number | null {
  const { width } = usualWidth(records);
  const index = records.findIndex((record, at) => {
    if (record.damage || record.hasNul || isSeparatorLine(record)) return false;
    const filled = record.cells.filter((cell) => cell !== '').length;
    const covered = columnsUnder(record, width, records.slice(at + 1));
    return covered !== null && filled > 0 && filled * 2 >= covered;
  });
  const header = records[index];
  return header && !isNumbersAlone(header.cells) ? header.line : null;
}

/** Whether a record is the first line `sep=;`, with which Excel names the delimiter. */
const isSeparatorLine = ({ line, excerpt }: LineRecord) =>
  line === 1 && /^sep=[,;\t|]$/i.test(excerpt());

function widthUnder(header: LineRecord, rows: LineRecord[]): number {
  const { width } = usualWidth(rows);
  const isUsual = rows.length > 0 && columnsUnder(header, width, rows) !== null;
  return isUsual ? width : header.cells.length;
}

/**
 * Returns how many columns a header names if the rows have `width` cells; null if the record cannot
 * be the header of these rows. A delimiter at the end of only the header, or of only the rows, adds
 * no column.
 */
function columnsUnder({ cells }: LineRecord, width: number, rows: LineRecord[]): number | null {
  if (cells.length === width) return width;
  const used = rows.reduce(
    (most, row) => (row.cells.length === width ? Math.max(most, filledWidth(row.cells)) : most),
    0,
  );
  const isCovered = used > 0 && filledWidth(cells) <= width && cells.length >= used;
  return isCovered ? Math.min(cells.length, width) : null;
}

const filledWidth = (cells: string[]) => cells.findLastIndex((cell) => cell !== '') + 1;

function isNumbersAlone(cells: string[]): boolean {
  const filled = cells.filter((cell) => cell !== '' && shapeOf(cell) !== shapes.nullWord);
  return filled.length > 0 && filled.every((cell) => /^[+-]?[\d.,]*\d([eE][+-]?\d+)?$/.test(cell));
}

/**
 * Returns unique names of the columns. An empty name becomes `column_3`, by its position; a
 * repeated name gets a number at its end, as in `total_2`.
 */
export function columnNames({ header, width }: Layout): string[] {
  const given = Array.from({ length: width }, (_one, index) => headerText(header[index] ?? ''));
  const known = new Set(given);
  const names = new Set<string>();
  const numbers = new Map<string, number>();
  return given.map((name, index) => {
    const wanted = name === '' ? `column_${index + 1}` : name;
    let free = wanted;
    let number = numbers.get(wanted) ?? 1;
    while (names.has(free) || (free !== name && known.has(free)))
      free = `${wanted}_${(number += 1)}`;
    numbers.set(wanted, number);
    names.add(free);
    return free;
  });
}

/** Replaces line ends in the name of a column by a space. */
export const headerText = (cell: string) => cell.replaceAll(/\s*[\r\n]+\s*/g, ' ').trim();
