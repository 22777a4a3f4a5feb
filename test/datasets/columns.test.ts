// Tests the comparison of the columns of a data file with the columns of the current version.
import { expect, test } from 'vitest';
import { differingColumns, typesThatStay } from '../../src/datasets/columns.ts';
import type { ColumnFacts } from '../../src/datasets/reading/facts.ts';
import type { Column } from '../../src/datasets/reading/reading.ts';

const column = (name: string, type: Column['type'] = 'text', format: string | null = null) => ({
  name,
  type,
  format,
});
const found = (name: string, type: Column['type']): ColumnFacts => ({
  ...column(name, type),
  empty: 0,
  filled: 2,
  fits: [{ type, format: null, cells: 2 }],
  nullWords: 0,
  samples: [],
  nearest: null,
  misfits: [],
});

test('the comparison of a data file’s columns reports new and missing columns, changed types and a changed order', () => {
  const before = [column('a'), column('b', 'integer')];
  expect(differingColumns(before, [column('a'), column('b', 'integer')])).toEqual([]);
  expect(differingColumns(before, [column('c'), column('b', 'date', 'd/m/y')])).toEqual([
    '“c” is new',
    '“a” is missing',
    '“b” is date (d/m/y) instead of integer',
  ]);
  expect(differingColumns(before, before.toReversed())).toEqual(['the columns have another order']);
});

test('a text column stays text in a new data file with only numbers, unless a person chose another type', () => {
  const text = { type: 'text', format: null };
  const current = [column('code'), column('constructor'), column('day', 'date')];
  const facts = [found('code', 'integer'), found('constructor', 'integer'), found('day', 'text')];
  expect(typesThatStay(current, facts)).toEqual({ code: text, constructor: text });
  const chosen = { code: { type: 'integer' as const, format: null } };
  expect(typesThatStay(current, facts, chosen)).toEqual({ constructor: text });
});
