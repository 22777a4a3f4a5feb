// Compares the columns of a data file with those of a dataset's current version.
import { count, plural } from '../web/format.ts';
import type { ColumnFacts } from './reading/facts.ts';
import type { Choices, Column } from './reading/reading.ts';

const asText = ({ type, format }: Pick<Column, 'type' | 'format'>) =>
  format === null ? type : `${type} (${format})`;

/** How columns differ from the current ones, as sentences; empty when they are the same in the same order. */
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

/** Other formats lead to equal values; but a time without a zone is another value than an instant. */
const isSameType = (one: Column, other: Column) =>
  one.type === other.type && (one.type !== 'timestamp' || one.format === other.format);

/** The most differences that a sentence lists. */
const LISTED = 20;

/** Differences as one text, the first 20 of many. */
export function listed(differing: string[]): string {
  const more = differing.length - LISTED;
  return [...differing.slice(0, LISTED), ...(more > 0 ? [`and ${count(more)} more`] : [])].join(
    '; ',
  );
}

/** Why a file with other columns cannot be appended to the rows of other files. */
export const mixedColumns = (dataset: string, others: number) =>
  `${dataset} adds the rows of a new file to those before, which have other columns: rows of ${plural(others, { one: 'other file', many: 'other files' })} would stand under the wrong names. Ask for a file with the former columns, or let new files replace the rows before in the settings of the dataset.`;

const byName = (columns: Column[]) => new Map(columns.map((column) => [column.name, column]));

/**
 * The types of the current version that all cells of a file fit, too, although another type was proposed: a column of
 * texts in which this month's file has numbers only stays a column of texts.
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
      // A column can be called "constructor".
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
