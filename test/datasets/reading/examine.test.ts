import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { Choices } from '../../../src/datasets/reading/reading.ts';
import { columnsOf, examined, read } from './read.ts';

const days = Array.from({ length: 9_997 }, (_one, index) => `${1 + (index % 28)}/12/2021`);
const almostDates = [
  'day',
  ...days.slice(0, 500),
  'soon',
  ...days.slice(500),
  'later',
  '31/02/2021',
];

test('S3-35 for a column in which 9,997 of 10,000 cells are dates, the examination shows the three lines without a date', async () => {
  const { columns, counts } = await examined(almostDates.join('\n'));
  expect(columns[0]).toMatchObject({
    name: 'day',
    type: 'text',
    filled: 10_000,
    nearest: { type: 'date', format: 'd/m/y', cells: 9_997 },
    misfits: [
      { line: 502, text: 'soon' },
      { line: 10_000, text: 'later' },
      { line: 10_001, text: '31/02/2021' },
    ],
  });
  expect(counts).toMatchObject({ rows: 10_000, rejects: 0 });
});

test('S3-35 if a person chooses the type of a column, the load rejects each line that does not fit, with its line number and column', async () => {
  const types = { day: { type: 'date' as const, format: 'd/m/y' } };
  const found = await read(almostDates.join('\n'), { types });
  expect(columnsOf(found)).toEqual(['day date d/m/y']);
  expect(found.counts).toMatchObject({ rows: 9_997, rejects: 3 });
  expect(found.loaded).toEqual(found.counts);
  expect(
    found.rejects.map(({ line, column, reason, excerpt }) => [line, column, reason, excerpt]),
  ).toEqual([
    [502, 'day', 'type', 'soon'],
    [10_000, 'day', 'type', 'later'],
    [10_001, 'day', 'type', '31/02/2021'],
  ]);
});

test('a row that is rejected for one column does not influence the proposed types of other columns', async () => {
  const content = 'n,total\n1,5\n2,6\nall,about 11\n';
  const types = { n: { type: 'integer' as const, format: null } };
  expect(columnsOf(await read(content))).toEqual(['n text', 'total text']);
  expect(columnsOf(await read(content, { types }))).toEqual(['n integer', 'total integer']);
});

test('when a data file is examined again, a question that a person has answered is not asked again', async () => {
  const content = Buffer.from('d\xe9but\n01/02/2020\n03/04/2020\n', 'latin1');
  const { asks } = await examined(content);
  expect(asks.map(({ code, column }) => [code, column])).toEqual([
    ['encoding', null],
    ['dates', 'début'],
  ]);
  expect(asks[1]?.examples).toEqual([
    { line: 2, text: '01/02/2020' },
    { line: 3, text: '03/04/2020' },
  ]);
  const types = { début: { type: 'date' as const, format: 'm/d/y' } };
  const answered = await read(content, { encoding: 'windows-1252', types });
  expect(answered.asks).toEqual([]);
  expect(answered.cells).toEqual([['2020-01-02'], ['2020-03-04']]);
});

test('a load rejects rows with too few or too many cells, because filling them up could shift values to wrong columns', async () => {
  const content = 'a,b,c\n1,2,3\n4,5\n6,7,8,\n9,1,2,x\n3,4,5\n';
  const { cells, rejects } = await read(content);
  expect(cells).toHaveLength(2);
  expect(rejects.map(({ line, text }) => [line, text])).toEqual([
    [3, '3 cells expected, 2 found'],
    [4, '3 cells expected, 4 found'],
    [5, '3 cells expected, 4 found'],
  ]);
});

test('a person can allow that short rows are filled with empty cells and that empty extra cells are ignored', async () => {
  const content = 'a,b,c\n1,2,3\n4,5\n6,7,8,\n9,1,2,x\n3,4,5\n';
  const found = await read(content, { fillShortRows: true, ignoreEmptySurplus: true });
  expect(found.cells).toEqual([
    ['1', '2', '3'],
    ['4', '5', null],
    ['6', '7', '8'],
    ['3', '4', '5'],
  ]);
  expect(found.rejects.map(({ line }) => line)).toEqual([5]);
});

test('the examination counts and shows lines above the header, empty lines and quotes inside cells', async () => {
  const content = 'Title "A\n\nid,name\n1,5" pipe\n,\n2,"x\ny"\n';
  const { counts, above, strayQuotes, preview } = await examined(content, { headerLine: 3 });
  expect(counts).toEqual({
    lines: 7,
    above: 2,
    header: 1,
    rows: 2,
    rejects: 0,
    empty: 1,
    continued: 1,
    strayQuotes: 1,
  });
  expect(above).toEqual([
    { line: 1, text: 'Title "A' },
    { line: 2, text: '' },
  ]);
  expect(strayQuotes).toEqual([4]);
  expect(preview).toEqual([
    { line: 4, cells: ['1', '5" pipe'] },
    { line: 6, cells: ['2', 'x\ny'] },
  ]);
});

test('the examination of a data file returns the number of lines of each kind even if every line is rejected', async () => {
  const { counts } = await examined('a\0b\n\0\n');
  expect(counts).toMatchObject({ lines: 2, rejects: 2, rows: 0 });
});

test.each<[string, string, Choices]>([
  ['a chosen header line beyond the end of the file', 'a,b\n1,2\n', { headerLine: 9 }],
  ['an empty header line', 'a,b\n\n1,2\n', { headerLine: 2 }],
  ['an unclosed quote in the header line', 'a,b\n"1,2\n', { headerLine: 2 }],
  ['more columns than a spreadsheet can have', `${'a,'.repeat(20_000)}a\n`.repeat(3), {}],
])('the examination refuses a data file with %s', async (_title, content, choices) => {
  await expect(examined(content, choices)).rejects.toMatchObject({ status: 422, reason: 'header' });
});

/**
 * The number of random files: 40,000 in `bin/test --long`, which sets READING_TEXTS, and 200
 * otherwise.
 */
const numRuns = Number(process.env['READING_TEXTS'] ?? 1_000) / 5;
const part = fc.constantFrom(
  '"',
  '""',
  ',',
  ',',
  ';',
  '\n',
  '\n',
  '\r\n',
  '\r',
  ' ',
  'a',
  'é',
  '1',
  '0',
  '.',
  '-',
  '\0',
  '😀',
  '1/2/2020',
  'NULL',
  '2,5',
);
const file = fc.array(part, { minLength: 1, maxLength: 60 }).map((parts) => parts.join(''));
const choices = fc.record(
  {
    delimiter: fc.constantFrom(',', ';'),
    headerLine: fc.constantFrom(null, 1, 2),
    fillShortRows: fc.boolean(),
    ignoreEmptySurplus: fc.boolean(),
  },
  { requiredKeys: [] },
);

test(
  'for any data file and any chunk size, the examination and the load count the same lines',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        file,
        choices,
        fc.integer({ min: 1, max: 7 }),
        async (content, chosen, size) => {
          const whole = await outcome(content, chosen, 65_536);
          expect(await outcome(content, chosen, size)).toEqual(whole);
          if (whole === 'unreadable') return;
          const { counts, loaded } = whole;
          expect(loaded).toEqual(counts);
          const { above, header, rows, rejects, empty, continued } = counts;
          expect(above + header + rows + rejects + empty + continued).toBe(counts.lines);
        },
      ),
      { numRuns },
    );
  },
  60_000 + numRuns * 50,
);

async function outcome(content: string, chosen: Choices, size: number) {
  try {
    return await read(content, chosen, size);
  } catch (error) {
    if (error instanceof Error && 'reason' in error) return 'unreadable';
    throw error;
  }
}
