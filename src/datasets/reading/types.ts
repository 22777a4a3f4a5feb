// Proposes the type of a column from all of its cells.
import type { ColumnType } from './reading.ts';
import { shapes } from './shapes.ts';

/** A column type in one of its formats, and the shapes (integer, date …) of cells that it accepts. */
export type CellKind = { type: ColumnType; format: string | null; takes: number };

const { integer, negativeZero, decimal, pointGroup, longDecimal, commaGroups, commaGroup } = shapes;
const { decimalComma, exponent, isoDate, dayFirst, monthFirst, dayOrMonthFirst } = shapes;

const whole = integer | negativeZero;
const points = whole | decimal | pointGroup;

/** The types in the order in which they are proposed: the first type that all cells fit wins. */
export const kinds: readonly CellKind[] = [
  { type: 'integer', format: null, takes: integer },
  { type: 'numeric', format: null, takes: points | longDecimal },
  { type: 'numeric', format: '1,234.5', takes: points | longDecimal | commaGroups | commaGroup },
  { type: 'numeric', format: '1.234,5', takes: whole | pointGroup | commaGroup | decimalComma },
  { type: 'real', format: null, takes: points | exponent },
  { type: 'boolean', format: null, takes: shapes.boolean },
  { type: 'date', format: null, takes: isoDate },
  { type: 'date', format: 'd/m/y', takes: dayFirst | dayOrMonthFirst },
  { type: 'date', format: 'm/d/y', takes: monthFirst | dayOrMonthFirst },
  { type: 'timestamp', format: 'UTC', takes: shapes.instant },
  { type: 'timestamp', format: 'local', takes: shapes.localTime },
];

const textKind: CellKind = { type: 'text', format: null, takes: -1 };

export const kindOf = (type: ColumnType, format: string | null): CellKind =>
  kinds.find((kind) => kind.type === type && kind.format === format) ?? textKind;

export const takes = (kind: CellKind, shape: number) =>
  ((kind.takes | shapes.nullWord) & shape) !== 0;

/** How many cells of a column have each shape (integer, date …). */
export type ShapeCounts = ReadonlyMap<number, number>;

export function fitting(kind: CellKind, counts: ShapeCounts): number {
  let sum = 0;
  for (const [shape, count] of counts) if ((kind.takes & shape) !== 0) sum += count;
  return sum;
}

export type Proposal = { kind: CellKind; ask: 'dates' | 'numbers' | null };

/**
 * Proposes the first type that all filled cells fit, apart from words for “no value”. Proposes text with a question if
 * the cells fit two formats. In a comma-separated file, 1,234 counts as the number 1234; with another delimiter, the
 * comma could be a decimal comma.
 */
export function proposeKind(counts: ShapeCounts, delimiter: string): Proposal {
  let filled = 0;
  for (const [shape, count] of counts) if (shape !== shapes.nullWord) filled += count;
  const fit = filled === 0 ? [] : kinds.filter((kind) => fitting(kind, counts) === filled);
  const [first = textKind, second] = fit;
  if (first.format === 'd/m/y' && second?.format === 'm/d/y') return asking('dates');
  const isEitherNumber = first.format === '1,234.5' && second?.format === '1.234,5';
  return isEitherNumber && delimiter !== ',' ? asking('numbers') : { kind: first, ask: null };
}

const asking = (ask: 'dates' | 'numbers'): Proposal => ({ kind: textKind, ask });
