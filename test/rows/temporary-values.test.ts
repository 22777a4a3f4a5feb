// Tests, without a database, the temporary names that documents get while they swap their unique names.
import { expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import {
  ownValue,
  withLastingValues,
  withTemporaryValues,
} from '../../src/rows/temporary-values.ts';

const form = entityNamed('form');

test.each([
  ['a short name', 'A'],
  ['a long name', 'W'.repeat(80)],
  ['a long name of characters with two code units each', '🪔'.repeat(80)],
])(
  'the temporary value in place of %s fits into the field, and readers still see the real name (F13)',
  (_what, name) => {
    const moving = withTemporaryValues(form, { _id: 1, name });
    expect(moving.name).toMatch(/ \(moving [0-9a-f]{12}\)$/);
    expect([...moving.name].length).toBeLessThanOrEqual(80);
    expect(moving.name.isWellFormed()).toBe(true);
    expect(ownValue(moving, 'name')).toBe(name);
    expect(withLastingValues(moving)).toEqual({ _id: 1, name });
  },
);

test('a document that has a temporary name while documents swap names keeps its real name even if it gets a second one (F13)', () => {
  const twice = withTemporaryValues(form, withTemporaryValues(form, { _id: 1, name: 'A' }));
  expect(ownValue(twice, 'name')).toBe('A');
});

test('when another user renames a document that has a temporary name during a swap of names, readers get the new name (F13)', () => {
  const moving = { ...withTemporaryValues(form, { _id: 1, name: 'A' }), name: 'Theirs' };
  expect(ownValue(moving, 'name')).toBe('Theirs');
  expect(withLastingValues(moving)).toEqual({ _id: 1, name: 'Theirs' });
});
