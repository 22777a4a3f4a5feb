// Problems of a transfer sheet with unique values, taken or passed on between rows, computed from given facts, without
// a database.
import { expect, test } from '@jest/globals';
import { keyFrom, keyText } from '../../../src/catalog/entity.ts';
import { entityNamed } from '../../../src/catalog/index.ts';
import { uniqueKey } from '../../../src/catalog/unique-values.ts';
import type { Facts } from '../../../src/sheet/facts.ts';
import { factsOf, planOf, row, type GivenRow } from '../../support/facts.ts';

/** Rows by key with their name at the destination and here, as `Old > New`; an empty side stands for no row. */
function given(rows: Record<string, string>): Record<string, GivenRow> {
  return Object.fromEntries(
    Object.entries(rows).map(([key, text]) => {
      const [there = '', here = ''] = text.split('>').map((name) => name.trim());
      const side = (name: string) => (name === '' ? null : { name });
      const isDeletedHere = here === '';
      return [key, { here: side(here), there: side(there), base: side(there), isDeletedHere }];
    }),
  );
}

/** The facts about who has a unique value: `form.name:old` → 1, for every row with a name at the destination. */
const holdersIn = (rows: Record<string, string>): Facts['holders'] =>
  new Map(
    Object.entries(rows).flatMap(([key, text]) => {
      const { entity, id } = keyFrom(key);
      const name = text.split('>')[0]?.trim();
      return name ? [[uniqueKey(entityNamed(entity), 'name', name), id] as const] : [];
    }),
  );

const problemsOf = (
  rows: Record<string, string>,
  others: Record<string, string> = {},
  choices: Parameters<typeof planOf>[1] = {},
) => {
  const otherHolders: Facts['otherHolders'] = new Map(
    Object.entries(others).map(([key, text]) => {
      const [there = '', here = ''] = text.split('>').map((name) => name.trim());
      const stays = !text.includes('>');
      const after = stays ? undefined : here === '' ? null : row(key, { name: here });
      return [key, { title: there, isHere: stays || here !== '', after }];
    }),
  );
  const holders = new Map([...holdersIn(rows), ...holdersIn(others)]);
  return planOf(factsOf(given(rows), { holders, otherHolders }), choices).problems;
};

test.each<[string, Record<string, string>]>([
  ['a swap of forms', { 'form:1': 'A > B', 'form:2': 'B > A' }],
  ['a swap of businesses', { 'business:1': 'A > B', 'business:2': 'B > A' }],
  ['a circle of three', { 'form:1': 'A > B', 'form:2': 'B > C', 'form:3': 'C > A' }],
  ['a chain to a new name', { 'form:1': 'A > B', 'form:2': 'B > C', 'form:3': 'C > D' }],
  ['a new row that takes a name given up', { 'form:1': ' > A', 'form:2': 'A > B' }],
  ['a name of a row that is deleted', { 'form:1': 'A > B', 'form:2': 'B > ' }],
  ['a new row with the name of a deleted one', { 'business:1': ' > B', 'business:2': 'B > ' }],
])(
  'a transfer plan with %s leaves every unique name with one row, and has no problem (F13)',
  (_what, rows) => {
    expect(problemsOf(rows)).toEqual([]);
  },
);

test.each<[string, Record<string, string>, Record<string, string>, string[] | null]>([
  ['half of a swap adds the other half', { 'form:1': 'A > B' }, { 'form:2': 'B > A' }, ['form:2']],
  [
    'the first of a chain adds the rest of it',
    { 'form:1': 'A > B' },
    { 'form:2': 'B > C', 'form:3': 'C > D' },
    ['form:2', 'form:3'],
  ],
  ['a deleted holder is added', { 'form:1': 'A > B' }, { 'form:2': 'B > ' }, ['form:2']],
  ['a holder that keeps its name is not offered', { 'form:1': 'A > B' }, { 'form:2': 'B' }, null],
  [
    'a chain that ends in a name which stays taken is not offered',
    { 'form:1': 'A > B' },
    { 'form:2': 'B > C', 'form:3': 'C' },
    null,
  ],
])('when a unique name is taken at the destination: %s (F13)', (_what, rows, others, added) => {
  const [problem, ...more] = problemsOf(rows, others);
  expect(more).toEqual([]);
  expect(problem).toMatchObject({ reason: 'unique-taken', row: keyFrom('form:1') });
  const [add] = problem?.solutions.filter(({ kind }) => kind === 'add') ?? [];
  expect(add?.kind === 'add' ? add.keys.map(keyText) : null).toEqual(added);
});

test('when a unique name is taken at the destination, the row that holds it can be opened beside the row to send (F13)', () => {
  const [problem] = problemsOf({ 'form:1': 'A > B' }, { 'form:2': 'B' });
  expect(problem?.solutions).toEqual([
    { kind: 'edit', key: keyFrom('form:1') },
    { kind: 'edit', key: keyFrom('form:2'), title: 'B' },
  ]);
  expect(problem?.message).toContain('form 2 “B”');
});

test('leaving one of two rows that swap their names out of the transfer is a problem of the other one (F13)', () => {
  const rows = { 'form:1': 'A > B', 'form:2': 'B > A' };
  const [problem, ...more] = problemsOf(rows, {}, { excludedFields: { 'form:2': ['name'] } });
  expect(more).toEqual([]);
  expect(problem).toMatchObject({ reason: 'unique-taken', row: keyFrom('form:1') });
});

test('two rows of a transfer plan cannot take the same unique name (F13)', () => {
  const rows = { 'form:1': 'A > C', 'form:2': 'B > C' };
  expect(problemsOf(rows)).toMatchObject([{ reason: 'unique-taken', row: keyFrom('form:2') }]);
});
