// Which line has the names of the columns.
import { isEmpty, recordsOf, usualWidth, type Sample } from './delimiter.ts';
import { Unreadable } from './reading.ts';
import { shapeOf, shapes } from './shapes.ts';
import { CELL_LIMIT } from './text-window.ts';
import type { LineRecord } from './tokenizer.ts';

export type Layout = {
  headerLine: number | null;
  header: string[];
  /** The number of cells of a record. */
  width: number;
};

/**
 * The layout of a sample, with the header line that a person chose, if any.
 * @throws Unreadable when the chosen line cannot be the header
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

/** The first record as wide as most with half of its cells filled; numbers alone mean that there is none. */
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

/** Excel's line that names the delimiter. */
const isSeparatorLine = ({ line, excerpt }: LineRecord) =>
  line === 1 && /^sep=[,;\t|]$/i.test(excerpt());

function widthUnder(header: LineRecord, rows: LineRecord[]): number {
  const { width } = usualWidth(rows);
  const isUsual = rows.length > 0 && columnsUnder(header, width, rows) !== null;
  return isUsual ? width : header.cells.length;
}

/**
 * How many columns a header names when rows have `width` cells; null when it does not belong to them.
 * A delimiter at the end of only the header, or of only the rows, adds no column.
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

/** The names of the columns: empty ones get their number, repeated ones a number behind them. */
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

/** Line ends in it become a space. */
export const headerText = (cell: string) => cell.replaceAll(/\s*[\r\n]+\s*/g, ' ').trim();
