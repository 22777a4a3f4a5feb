// What differs between a row, with its dependent rows, and the same rows at the destination, for the page of the row.
import { keyText, titleOf, type RowKey } from '../catalog/entity.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { dependentPairs } from '../comparison/dependent-pairs.ts';
import { fieldDiff } from '../comparison/field-diff.ts';
import type { App } from '../environments/app.ts';
import type { Status } from '../state/status.ts';
import { plural } from '../web/format.ts';
import { referencedTitles } from '../web/referenced-titles.ts';
import { shorten } from '../web/shorten.ts';

type DifferingRow = {
  title: string;
  status: Status;
  fields: ReturnType<typeof fieldDiff>;
  /** The side that alone has the row; null if both have it. */
  onlyIn: 'here' | 'there' | null;
};

export type Differences = {
  /** How much differs: `2 fields differ, 1 row is only in staging`; empty if nothing is known to differ. */
  text: string;
  rows: DifferingRow[];
  /** How many more rows differ than the page lists. */
  more: number;
  columns: { side: 'here' | 'there'; label: string }[];
  titles: Map<string, string>;
};

/** The maximum number of rows that the page lists; it counts all of them. */
const LISTED = 50;

export async function differencesOf(
  here: App,
  pairs: Map<string, RowPair>,
  key: RowKey,
): Promise<Differences> {
  const { destination } = here;
  if (!destination) return { text: '', rows: [], more: 0, columns: [], titles: new Map() };
  const own = pairs.get(keyText(key));
  const all = [...(own ? [own] : []), ...dependentPairs(pairs, key)].flatMap(differing);
  const { shown: rows, more } = shorten(all, LISTED);
  const fieldsOf = (some: DifferingRow[]) => some.flatMap((row) => row.fields);
  const parts = [
    inNumbers(fieldsOf(all).length, { one: 'field differs', many: 'fields differ' }),
    ...(['here', 'there'] as const).map((side) => {
      const only = all.filter((row) => row.onlyIn === side).length;
      const { inText } = side === 'here' ? here.rules : destination.rules;
      return inNumbers(only, {
        one: `row is only in ${inText}`,
        many: `rows are only in ${inText}`,
      });
    }),
  ];
  return {
    text: parts.filter(Boolean).join(', '),
    rows,
    more,
    columns: [
      { side: 'here', label: here.rules.label },
      { side: 'there', label: destination.rules.label },
    ],
    titles: await referencedTitles(here, fieldsOf(rows)),
  };
}

const inNumbers = (number: number, label: { one: string; many: string }) =>
  number > 0 ? plural(number, label) : '';

/** A row that only one side has is named without its fields. */
function differing(pair: RowPair): DifferingRow[] {
  const { entity, here, there, status } = pair;
  const row = here ?? there;
  if (!row || !status || status === 'In sync') return [];
  const onlyIn = there === null ? 'here' : here === null ? 'there' : null;
  const fields = onlyIn === null ? fieldDiff(pair) : [];
  return [{ title: titleOf(entity, row), status, fields, onlyIn }];
}
