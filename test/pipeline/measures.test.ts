// The pipeline measures the values of a dataset (such as their longest length), and chooses from these measures the SQL
// types of the table in the datasets database.
import { describe, expect, test } from 'vitest';
import { columnTypes, sqlValue } from '../../src/pipeline/column-types.ts';
import { measured, unmeasured, type Cell } from '../../src/pipeline/measures.ts';

const typeOf = (type: string, cells: Cell[]) => {
  const columns = measured(
    [unmeasured('one', type)],
    cells.map((cell) => [cell]),
  );
  return columnTypes(columns)[0]?.definition;
};

describe('the SQL type that the pipeline chooses for a column of a dataset', () => {
  test.each<[string, Cell[], string]>([
    ['INTEGER', [1, -9_007_199_254_740_991, null], 'BIGINT'],
    ['NUMERIC', ['1234.50', '-0.125', null], 'DECIMAL(7,3)'],
    ['NUMERIC', ['0.00'], 'DECIMAL(2,2)'],
    ['NUMERIC', ['0'], 'DECIMAL(1,0)'],
    ['NUMERIC', [`${'9'.repeat(35)}.${'1'.repeat(30)}`], 'DECIMAL(65,30)'],
    ['NUMERIC', [`${'9'.repeat(36)}.${'1'.repeat(30)}`], 'VARCHAR(67)'],
    ['NUMERIC', [`0.${'1'.repeat(31)}`], 'VARCHAR(33)'],
    ['REAL', [1.5, -0, 1e300], 'DOUBLE'],
    ['BOOLEAN', [true, null], 'TINYINT(1)'],
    ['DATE', ['2026-11-26'], 'DATE'],
    ['DATE', ['0000-01-01'], 'VARCHAR(10)'],
    ['TIMESTAMP', ['2026-11-26T09:30:00Z', '2026-11-26T09:30:00.123456Z'], 'DATETIME(6)'],
    ['TIMESTAMP', ['2026-11-26T09:30:00.1234567Z'], 'VARCHAR(28)'],
    ['TIMESTAMP', ['2026-12-31T23:59:60Z'], 'VARCHAR(20)'],
    ['TEXT', ['abc', 'Ä😀', null], 'VARCHAR(3)'],
    ['TEXT', ['😀'.repeat(9)], 'VARCHAR(9)'],
    ['TEXT', [], 'VARCHAR(1)'],
    ['TEXT', ['x'.repeat(4000)], 'VARCHAR(4000)'],
    ['TEXT', ['x'.repeat(4001)], 'TEXT'],
    ['TEXT', ['Ä'.repeat(33_000)], 'MEDIUMTEXT'],
    ['GEOMETRY', ['POINT(1 1)'], 'VARCHAR(10)'],
  ])('the SQL type of a column of type %s with the cells %j is %s', (type, cells, expected) => {
    expect(typeOf(type, cells)).toBe(expected);
  });

  test('the SQL type that the pipeline chooses for a column fits the values of all rows, although the API returns the rows page by page', () => {
    const pages: Cell[][][] = [[['1.5']], [['100']], [['0.125']]];
    let columns = [unmeasured('one', 'NUMERIC')];
    for (const rows of pages) columns = measured(columns, rows);
    expect(columnTypes(columns)[0]?.definition).toBe('DECIMAL(6,3)');
  });
});

describe('the SQL types that the pipeline chooses for a dataset with many text columns', () => {
  const wide = (count: number, cell: string) =>
    measured(
      Array.from({ length: count }, (_, index) => unmeasured(`c${index}`, 'TEXT')),
      [Array.from({ length: count }, () => cell)],
    );

  test('the pipeline chooses TEXT (stored off-page) for the widest texts of a dataset if a row would be longer than MySQL allows', () => {
    const types = columnTypes(wide(10, 'Ä'.repeat(3000))).map(({ definition }) => definition);
    expect(new Set(types)).toEqual(new Set(['VARCHAR(3000)', 'TEXT']));
  });

  test('for a dataset with many columns of ASCII texts, the pipeline chooses a character set with one byte a character', () => {
    expect(columnTypes(wide(300, 'abcdefghij'))[0]?.definition).toMatch(/ascii/);
    expect(columnTypes(wide(20, 'abcdefghij')).at(-1)?.definition).toBe('VARCHAR(10)');
  });

  test('the pipeline refuses a dataset whose rows are too wide for MySQL, whichever SQL types it chooses', () => {
    expect(() => columnTypes(wide(300, 'Ä'.repeat(50)))).toThrow('too wide');
  });
});

test('the pipeline converts a value from the API to what the SQL type of its column needs', () => {
  const written = (type: string, cell: Cell) => {
    const [own] = columnTypes(measured([unmeasured('one', type)], [[cell]]));
    return own && sqlValue(cell, own);
  };
  expect(written('TIMESTAMP', '2026-11-26T09:30:00.5Z')).toBe('2026-11-26 09:30:00.5');
  expect(written('REAL', -0)).toBe('-0');
  expect(written('REAL', 0.1)).toBe(0.1);
  expect(written('BOOLEAN', true)).toBe(true);
  expect(written('DATE', 'someday')).toBe('someday');
  expect(written('TEXT', null)).toBeNull();
});
