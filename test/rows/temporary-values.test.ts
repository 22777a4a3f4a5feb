// Temporary unique values of documents, without a database.
import { expect, test } from '@jest/globals';
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
  ['a long name of two code units a character', '🪔'.repeat(80)],
])(
  'while %s moves to another document, its temporary value fits the field, and readers see the real value (F13)',
  (_what, name) => {
    const moving = withTemporaryValues(form, { _id: 1, name });
    expect(moving.name).toMatch(/ \(moving [0-9a-f]{12}\)$/);
    expect([...moving.name].length).toBeLessThanOrEqual(80);
    expect(moving.name.isWellFormed()).toBe(true);
    expect(ownValue(moving, 'name')).toBe(name);
    expect(withLastingValues(moving)).toEqual({ _id: 1, name });
  },
);

test('a document with a temporary name that is given another temporary name keeps its real one (F13)', () => {
  const twice = withTemporaryValues(form, withTemporaryValues(form, { _id: 1, name: 'A' }));
  expect(ownValue(twice, 'name')).toBe('A');
});

test('the name that another user gave to a document with a temporary name is shown (F13)', () => {
  const moving = { ...withTemporaryValues(form, { _id: 1, name: 'A' }), name: 'Theirs' };
  expect(ownValue(moving, 'name')).toBe('Theirs');
  expect(withLastingValues(moving)).toEqual({ _id: 1, name: 'Theirs' });
});
