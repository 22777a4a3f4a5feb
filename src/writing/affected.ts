// The rows that people are notified about.
import { keyText, type RowKey } from '../catalog/entity.ts';
import type * as journal from './journal.ts';

/** A row that somebody is notified about; `fields`: labels of their values that were replaced. */
export type Affected = { key: RowKey; title: string; fields?: string[] };
/** The rows of each person, by key text. */
export type AffectedByPerson = Map<string, Map<string, Affected>>;

/** Adds a row to the rows of a person, unless that person has it already. */
export function addTo(all: AffectedByPerson, person: string, row: Affected) {
  const known = all.get(person) ?? new Map<string, Affected>();
  const text = keyText(row.key);
  if (!known.has(text)) known.set(text, row);
  all.set(person, known);
}

/** Returns each person with their rows; people and rows are in the order in which they were added. */
export const listed = (all: AffectedByPerson): [string, Affected[]][] =>
  [...all].map(([person, rows]) => [person, [...rows.values()]]);

/** Returns the number and the titles of rows, for a message. */
export const rowsOf = (affected: Affected[]) => ({
  count: affected.length,
  titles: affected.map(({ title }) => title),
});

export const affectedBy = ({ entity, id, title }: journal.Step): Affected => ({
  key: { entity, id },
  title,
});
