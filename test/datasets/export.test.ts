// Tests the export of dataset versions as CSV: for spreadsheets, without formulas, and as exact copies that can be
// loaded again without a change.
import { beforeEach, describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { csvHeader, spreadsheetLine } from '../../src/datasets/csv.ts';
import { csvLine } from '../../src/web/csv.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { csvOf } from '../../src/datasets/export.ts';
import { examine } from '../../src/datasets/reading/examine.ts';
import type { Column } from '../../src/datasets/reading/reading.ts';
import { readRows } from '../../src/datasets/reading/rows.ts';
import { cellsAsJson, cellsFromJson } from '../../src/datasets/reading/values.ts';
import * as versions from '../../src/datasets/versions.ts';
import { addDataset, load, rowsOf } from '../support/datasets.ts';
import { useWorld } from '../support/world.ts';

type Cell = string | number | boolean | null;

const textColumn = (name: string): Column => ({ name, type: 'text', format: null });

/** Reads the rows of a CSV text with the given types of its columns. */
async function readBack(csv: string, columns: Column[]) {
  const open = () => Promise.resolve(contentOf(csv));
  const types = Object.fromEntries(
    columns.map(({ name, type, format }) => [name, { type, format }]),
  );
  const choices = { encoding: 'utf-8', delimiter: ',', headerLine: 1, types };
  const { reading, counts } = await examine(open, 'copy.csv', choices);
  const rows: Cell[][] = [];
  for await (const batch of readRows(contentOf(csv), reading)) {
    for (const { cells } of batch.rows) rows.push(cellsFromJson(cellsAsJson(columns, cells)));
  }
  return { rows, counts, names: reading.columns.map(({ name }) => name) };
}

async function* contentOf(text: string) {
  yield Buffer.from(text);
}

describe('the exact CSV copy of a dataset version', () => {
  const parts = [
    '"',
    '""',
    ',',
    '\n',
    '\r\n',
    '\r',
    ' ',
    '\t',
    '=',
    '+',
    '-',
    '@',
    "'",
    ';',
    '|',
    'NULL',
    '0',
    '\u00a0',
    '\u2028',
    '\ufeff',
    'é',
    '🏙',
    '\\',
    '<',
    '1',
    'true',
    '2020-01-01',
    'x',
  ];
  const text = fc
    .array(fc.constantFrom(...parts), { minLength: 1, maxLength: 6 })
    .map((some) => some.join(''));
  const cell = fc.oneof(fc.constant(null), text, fc.string({ minLength: 1 }));
  const rowsOfWidth = (width: number) =>
    fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 8 });

  test('random texts that are exported as an exact CSV copy and parsed again give the same cells, and no line is rejected', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }).chain(rowsOfWidth), async (all) => {
        const width = all[0]?.length ?? 1;
        const columns = Array.from({ length: width }, (_one, index) => textColumn(`c${index}`));
        // Rows with NUL are left out because no stored row has one, and rows of empty cells because
        // they count as empty lines.
        const rows = all.filter(
          (row) => row.some((one) => one !== null) && !row.some((one) => one?.includes('\0')),
        );
        const csv = csvHeader(columns, true) + rows.map(csvLine).join('');
        const found = await readBack(csv, columns);
        expect(found.rows).toEqual(rows);
        expect(found.counts.rejects).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test('numbers, booleans, dates and timestamps in an exact CSV copy are parsed to the same values and column types', async () => {
    const columns: Column[] = [
      { name: 'id', type: 'integer', format: null },
      { name: 'share', type: 'numeric', format: null },
      { name: 'ratio', type: 'real', format: null },
      { name: 'open', type: 'boolean', format: null },
      { name: 'day', type: 'date', format: null },
      { name: 'at', type: 'timestamp', format: 'UTC' },
      { name: 'local', type: 'timestamp', format: 'local' },
    ];
    const rows: Cell[][] = [
      [1, '0.10', 1.5, true, '2020-02-29', '2020-01-01T00:00:00Z', '2020-01-01T00:00:00'],
      [-9007199254740991, '-12345678901234567890.00', 1e-7, false, '1999-12-31', null, null],
      [0, null, null, null, null, '2020-01-01T23:59:59.123456Z', '2020-06-01T10:00:00.5'],
    ];
    const csv = csvHeader(columns, true) + rows.map(csvLine).join('');
    const open = () => Promise.resolve(contentOf(csv));
    const { reading } = await examine(open, 'copy.csv');
    expect(reading.columns).toEqual(columns);
    expect((await readBack(csv, columns)).rows).toEqual(rows);
  });

  test('the exact CSV copy of a dataset keeps column names that look like formulas or contain quotes', async () => {
    const columns = ['=a', 'say "hi"', 'b, c', 'é🏙'].map(textColumn);
    const csv = csvHeader(columns, true) + csvLine(['1', '2', '3', '4']);
    expect((await readBack(csv, columns)).names).toEqual(['=a', 'say "hi"', 'b, c', 'é🏙']);
  });
});

describe('the CSV export of a dataset for spreadsheets', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+44 20', "'+44 20"],
    ['-', "'-"],
    ['@sum', "'@sum"],
    ['\tx', "'\tx"],
    ['\rx', '"\'\rx"'],
    ['a=b', 'a=b'],
    ["'x", "'x"],
  ])(
    'a CSV export for spreadsheets writes the text %j as %j, so that no text runs as a formula',
    (given, written) => {
      expect(spreadsheetLine([textColumn('a')], [given])).toBe(`${written}\r\n`);
    },
  );

  test('a CSV export for spreadsheets keeps negative numbers unchanged, and puts an apostrophe before a header that looks like a formula', () => {
    const columns: Column[] = [{ name: '-n', type: 'integer', format: null }];
    expect(csvHeader(columns, false) + spreadsheetLine(columns, [-5])).toBe("'-n\r\n-5\r\n");
    expect(csvHeader(columns, true)).toBe('-n\r\n');
  });

  test('a CSV line distinguishes an empty text from an empty cell', () => {
    expect(csvLine(['', null])).toBe('"",\r\n');
  });
});

describe('exporting a stored dataset version', () => {
  const world = useWorld();
  let cities: Dataset;
  beforeEach(async () => {
    cities = await addDataset(world.staging);
  });

  const exported = async (isExact: boolean) => {
    const [version] = await versions.list(world.staging.sql, cities.id);
    if (!version) throw new Error('There is no version');
    let csv = '';
    for await (const one of csvOf(world.staging.sql, version, { isExact })) csv += one;
    return csv;
  };

  test('a dataset version stores and exports quotes, backslashes, control characters and emoji unchanged', async () => {
    const texts = [
      "O'Hara",
      'a\\b',
      "\\'",
      '\\',
      '\u0001\u001f\u007f',
      '🏙é\u2028',
      '%_?',
      '${x}',
      '`;--',
      '\ud7ff\ue000',
    ];
    const csv = `n,text\r\n${texts.map((one, index) => csvLine([index, one])).join('')}`;
    await load(world.staging, cities, csv);
    expect((await rowsOf(world.staging, cities)).map(([, one]) => one)).toEqual(texts);
    expect(await exported(true)).toBe(csv);
  });

  test('the export of a dataset version with more rows than one page contains every row in order', async () => {
    const csv = `id\r\n${Array.from({ length: 4500 }, (_one, index) => `${index + 1}\r\n`).join('')}`;
    await load(world.staging, cities, csv);
    expect(await exported(true)).toBe(csv);
  });

  test('a dataset version that is loaded again from its exact CSV copy has the same rows', async () => {
    await load(
      world.staging,
      cities,
      'code,people,day\n007,1,2020-01-01\n=1+1,,2020-01-02\n" a ",3,\n',
    );
    const before = await rowsOf(world.staging, cities);
    await load(world.staging, cities, await exported(true));
    expect(await rowsOf(world.staging, cities)).toEqual(before);
    expect(await exported(false)).toContain("'=1+1");
  });
});
