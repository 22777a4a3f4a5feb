// Collects the rows that people are notified about.
import { keyText, type RowKey } from '../catalog/entity.ts';
import type * as journal from './journal.ts';

/**
 * A row that a person is notified about. `fields`: the labels of the fields in which the person’s values were replaced.
 */
export type Affected = { key: RowKey; title: string; fields?: string[] };
/** For each person, the rows that the person is notified about, by key text. */
export type AffectedByPerson = Map<string, Map<string, Affected>>;

/** Adds a row that a person is notified about. A row that was added before is not added again. */
export function addTo(all: AffectedByPerson, person: string, row: Affected) {
  const known = all.get(person) ?? new Map<string, Affected>();
  const text = keyText(row.key);
  if (!known.has(text)) known.set(text, row);
  all.set(person, known);
}

/** Returns each person with the rows to notify about. People and rows are in the order in which they were added. */
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
