// Problems of a transfer sheet with unique values: another row holds the value, or rows pass values on to each other.
// They are computed from rows that the test gives, without a database.
import { expect, test } from 'vitest';
import { keyFrom, keyText } from '../../../src/catalog/entity.ts';
import { entityNamed } from '../../../src/catalog/index.ts';
import { uniqueKey } from '../../../src/catalog/unique-values.ts';
import type { Facts } from '../../../src/sheet/facts.ts';
import { factsOf, planOf, row, type GivenRow } from '../../support/facts.ts';

/**
 * Builds rows from texts such as `Old > New`: the name at the destination, then the name here. An empty name means that
 * this side has no row.
 */
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

/** Returns the id of the row that holds each name at the destination: `form.name:old` → 1. */
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
  also: Partial<Facts> = {},
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
  return planOf(factsOf(given(rows), { holders, otherHolders, ...also }), choices).problems;
};

test.each<[string, Record<string, string>]>([
  ['two forms that swap their names', { 'form:1': 'A > B', 'form:2': 'B > A' }],
  ['two businesses that swap their names', { 'business:1': 'A > B', 'business:2': 'B > A' }],
  [
    'three forms that pass their names around in a circle',
    { 'form:1': 'A > B', 'form:2': 'B > C', 'form:3': 'C > A' },
  ],
  [
    'a chain of forms, of which the last gets a new name',
    { 'form:1': 'A > B', 'form:2': 'B > C', 'form:3': 'C > D' },
  ],
  [
    'a new form that takes the former name of another form',
    { 'form:1': ' > A', 'form:2': 'A > B' },
  ],
  ['a form that takes the name of a deleted form', { 'form:1': 'A > B', 'form:2': 'B > ' }],
  [
    'a new business that takes the name of a deleted business',
    { 'business:1': ' > B', 'business:2': 'B > ' },
  ],
])(
  'a transfer plan with %s has no problem, because only one row keeps each name (F13)',
  (_what, rows) => {
    expect(problemsOf(rows)).toEqual([]);
  },
);

test.each<[string, Record<string, string>, Record<string, string>, string[] | null]>([
  [
    'the sheet offers to add the other row of a swap',
    { 'form:1': 'A > B' },
    { 'form:2': 'B > A' },
    ['form:2'],
  ],
  [
    'the sheet offers to add all further rows of a chain',
    { 'form:1': 'A > B' },
    { 'form:2': 'B > C', 'form:3': 'C > D' },
    ['form:2', 'form:3'],
  ],
  [
    'the sheet offers to add the holder if it is deleted here',
    { 'form:1': 'A > B' },
    { 'form:2': 'B > ' },
    ['form:2'],
  ],
  [
    'the sheet does not offer to add a holder that keeps its name',
    { 'form:1': 'A > B' },
    { 'form:2': 'B' },
    null,
  ],
  [
    'the sheet does not offer to add a chain whose last name stays taken',
    { 'form:1': 'A > B' },
    { 'form:2': 'B > C', 'form:3': 'C' },
    null,
  ],
])(
  'when another row holds a unique name at the destination, %s (F13)',
  (_what, rows, others, added) => {
    const [problem, ...more] = problemsOf(rows, others);
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ reason: 'unique-taken', row: keyFrom('form:1') });
    const [add] = problem?.solutions.filter(({ kind }) => kind === 'add') ?? [];
    expect(add?.kind === 'add' ? add.keys.map(keyText) : null).toEqual(added);
  },
);

test('when another row holds a unique name at the destination, the problem names that row and offers to edit either row (F13)', () => {
  const [problem] = problemsOf({ 'form:1': 'A > B' }, { 'form:2': 'B' });
  expect(problem?.solutions).toEqual([
    { kind: 'edit', key: keyFrom('form:1') },
    { kind: 'edit', key: keyFrom('form:2'), title: 'B' },
  ]);
  expect(problem?.message).toContain('form 2 “B”');
});

test('when a row that is taken over needs a name that another row here has, the problem offers to edit only that other row (F13)', () => {
  const facts = { isWrittenHere: true };
  const [problem] = problemsOf({ 'form:1': 'A > B' }, { 'form:2': 'B' }, {}, facts);
  expect(problem?.solutions).toEqual([{ kind: 'edit', key: keyFrom('form:2'), title: 'B' }]);
  expect(problem?.message).toContain('by form 2 “B”. Change its name.');
  const [both] = problemsOf({ 'form:1': 'A > C', 'form:2': 'B > C' }, {}, {}, facts);
  expect(both?.solutions).toEqual([]);
  expect(both?.message).toContain('change one of the two in staging.');
});

test('when two forms swap their names and the user excludes one of the names, the other form cannot get its new name (F13)', () => {
  const rows = { 'form:1': 'A > B', 'form:2': 'B > A' };
  const [problem, ...more] = problemsOf(rows, {}, { excludedFields: { 'form:2': ['name'] } });
  expect(more).toEqual([]);
  expect(problem).toMatchObject({ reason: 'unique-taken', row: keyFrom('form:1') });
});

test('two rows of a transfer plan cannot take the same unique name (F13)', () => {
  const rows = { 'form:1': 'A > C', 'form:2': 'B > C' };
  expect(problemsOf(rows)).toMatchObject([{ reason: 'unique-taken', row: keyFrom('form:2') }]);
});
