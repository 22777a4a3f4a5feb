// Compares the columns of a data file with the columns of the current version of its dataset.
import { count, plural } from '../web/format.ts';
import type { ColumnFacts } from './reading/facts.ts';
import type { Choices, Column } from './reading/reading.ts';

const asText = ({ type, format }: Pick<Column, 'type' | 'format'>) =>
  format === null ? type : `${type} (${format})`;

/**
 * Returns how the columns of a file differ from the columns of the current dataset version, as sentences; an empty
 * array if names, types and order are equal.
 */
export function differingColumns(current: Column[], found: Column[]): string[] {
  const [before, after] = [byName(current), byName(found)];
  const differing = [
    ...found.filter(({ name }) => !before.has(name)).map(({ name }) => `“${name}” is new`),
    ...current.filter(({ name }) => !after.has(name)).map(({ name }) => `“${name}” is missing`),
    ...found.flatMap((column) => {
      const former = before.get(column.name);
      return former && !isSameType(former, column)
        ? [`“${column.name}” is ${asText(column)} instead of ${asText(former)}`]
        : [];
    }),
  ];
  const isReordered =
    differing.length === 0 && current.some(({ name }, index) => found[index]?.name !== name);
  return isReordered ? ['the columns have another order'] : differing;
}

/**
 * Two columns of one type are equal even if their formats differ, because the formats are converted
 * to the same stored values. Timestamps are the exception: a local time and a UTC time are stored
 * differently.
 */
const isSameType = (one: Column, other: Column) =>
  one.type === other.type && (one.type !== 'timestamp' || one.format === other.format);

/** A sentence lists at most this many differences. */
const LISTED = 20;

/**
 * Joins the differences to one text. The text contains at most the first 20 differences, and the number of the others.
 */
export function listed(differing: string[]): string {
  const more = differing.length - LISTED;
  return [...differing.slice(0, LISTED), ...(more > 0 ? [`and ${count(more)} more`] : [])].join(
    '; ',
  );
}

/**
 * Returns why a file with different columns cannot be added to a dataset: the rows of the other files in the dataset
 * would be shown under the wrong column names.
 */
export const mixedColumns = (dataset: string, others: number) =>
  `${dataset} adds the rows of a new file to those before, which have other columns: rows of ${plural(others, { one: 'other file', many: 'other files' })} would stand under the wrong names. Ask for a file with the former columns, or let new files replace the rows before in the settings of the dataset.`;

const byName = (columns: Column[]) => new Map(columns.map((column) => [column.name, column]));

/**
 * Returns the columns that keep the type of the current version because every cell of the new file fits that type,
 * although the job that examined the file proposed another type. Example: a text column stays text when the file of
 * this month has only numbers in that column.
 */
export function typesThatStay(
  current: Column[],
  facts: ColumnFacts[],
  chosen: Choices['types'] = {},
): NonNullable<Choices['types']> {
  const before = byName(current);
  return Object.fromEntries(
    facts.flatMap(({ name, type, format, filled, fits }) => {
      const former = before.get(name);
      // Object.hasOwn is needed because a column can be called "constructor", a name that every object inherits.
      const isChosen = Object.hasOwn(chosen, name);
      if (!former || isChosen || (former.type === type && former.format === format)) return [];
      const isFit =
        former.type === 'text' ||
        fits.some(
          (fit) => fit.type === former.type && fit.format === former.format && fit.cells === filled,
        );
      return isFit ? [[name, { type: former.type, format: former.format }]] : [];
    }),
  );
}
