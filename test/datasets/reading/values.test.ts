import { expect, test } from 'vitest';
import { columnTypes, type Column } from '../../../src/datasets/reading/reading.ts';
import { cellsAsJson, cellsFromJson, converterOf } from '../../../src/datasets/reading/values.ts';

const column = (type: Column['type'], format: string | null = null): Column => ({
  name: 'a',
  type,
  format,
});

test('a stored row holds integers, reals and booleans as JSON values and all other types as strings', () => {
  const columns = columnTypes.map((type) => column(type));
  const cells = ['12', '1.50', '1.5E-3', 'true', '2024-02-29', '2024-02-29T01:02:03Z', '1"2'];
  const json = cellsAsJson(columns, cells);
  expect(json).toBe('[12,"1.50",1.5E-3,true,"2024-02-29","2024-02-29T01:02:03Z","1\\"2"]');
  expect(cellsFromJson(json).map(String)).toEqual(cells.with(2, '0.0015'));
  expect(cellsAsJson(columns.slice(0, 2), [null, null])).toBe('[null,null]');
});

test.each<[Column['type'], string | null, string, string | null | undefined]>([
  ['integer', null, '9007199254740991', '9007199254740991'],
  ['integer', null, '9007199254740992', undefined],
  ['integer', null, '-0', undefined],
  ['integer', null, '007', undefined],
  ['integer', null, '+44', undefined],
  ['integer', null, '1E5', undefined],
  ['integer', null, 'n/a', null],
  ['numeric', null, '-12.50', '-12.50'],
  ['numeric', null, '.5', '.5'],
  ['numeric', null, '5.', undefined],
  ['numeric', null, '1,234', undefined],
  ['numeric', '1,234.5', '-1,234,567.80', '-1234567.80'],
  ['numeric', '1,234.5', '12,34', undefined],
  ['numeric', '1.234,5', '1.234.567,80', '1234567.80'],
  ['numeric', '1.234,5', '-0,5', '-0.5'],
  ['numeric', '1.234,5', '12.5', undefined],
  ['real', null, '1.5E+5', '1.5E+5'],
  ['real', null, '-.5e3', '-0.5e3'],
  ['real', null, '2e-7', '2e-7'],
  ['real', null, '1E5', undefined],
  ['real', null, '1.0E999', undefined],
  ['boolean', null, 'FALSE', 'false'],
  ['boolean', null, '0', undefined],
  ['date', null, '2024-02-29', '2024-02-29'],
  ['date', null, '2023-02-29', undefined],
  ['date', 'd/m/y', '3.4.2021', '2021-04-03'],
  ['date', 'd/m/y', '31/04/2021', undefined],
  ['date', 'm/d/y', '3/4/2021', '2021-03-04'],
  ['date', 'd/m/y', '03/04/21', undefined],
  ['date', 'd/m/y', '03/04.2021', undefined],
  ['timestamp', 'UTC', '2024-03-31 01:30+0100', '2024-03-31T00:30:00Z'],
  ['timestamp', 'UTC', '2024-01-01T00:10:00.120-02:30', '2024-01-01T02:40:00.120Z'],
  ['timestamp', 'UTC', '2024-01-01T00:10:00', undefined],
  ['timestamp', 'local', '2024-01-01 10:20', '2024-01-01T10:20:00'],
  ['timestamp', 'local', '2024-01-01 24:00:00', undefined],
  ['timestamp', 'local', '2024-01-01T00:00:00.1234567', undefined],
  ['text', null, 'n/a', 'n/a'],
])(
  'a column of type %s with the format %s converts the cell %s to %s (undefined: the cell does not fit)',
  (type, format, cell, value) => {
    expect(converterOf(column(type, format))(cell)).toBe(value);
  },
);
