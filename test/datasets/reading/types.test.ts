import { expect, test } from 'vitest';
import { columnsOf, examined } from './read.ts';

/** Returns the type that the examination proposes for a column with these cells. */
const typeOf = async (cells: string[], delimiter = ',') => {
  const content = ['a', ...cells].map((cell) => `"${cell}"${delimiter}"x"\n`).join('');
  const [column = ''] = columnsOf(await examined(content, { delimiter, headerLine: 1 }));
  return column.slice('a '.length);
};

test.each<[string, string[]]>([
  ['integer', ['1', '-20', '0', '9007199254740991']],
  ['integer', ['', '5', 'N/A', 'NULL', '-', 'n/a']],
  ['text', ['1', '9007199254740992']],
  ['text', ['1', '007']],
  ['text', ['1', '+44']],
  ['text', ['1', '1E5']],
  ['text', ['1', '1.5', 'about 2']],
  ['text', ['N/A', '-', '']],
  ['text', ['']],
  ['text', [' 1', '2']],
  ['numeric', ['1', '2.50', '-0.5', '.5', '-0']],
  ['numeric', ['3.14159265358979323846264']],
  ['text', ['12345678901234567890', '1.5']],
  ['numeric 1,234.5', ['1,234.5', '12', '1.5']],
  ['numeric 1,234.5', ['1,234,567', '-1,234']],
  ['numeric 1.234,5', ['1.234,5', '12', '-0,5']],
  ['numeric 1.234,5', ['1234,56', '1.234']],
  ['numeric 1.234,5', ['0,123', '1,234']],
  ['text', ['1,234.5', '1.234,5']],
  ['text', ['12,34,567', '1']],
  ['real', ['1.5E5', '2', '3.5']],
  ['real', ['2e-7', '-1.0e+3']],
  ['text', ['1.5E5', '1E5']],
  ['text', ['1.5E5', '3.14159265358979323846264']],
  ['text', ['1.0E400']],
  ['boolean', ['true', 'FALSE', 'True', 'N/A']],
  ['text', ['true', 'yes']],
  ['text', ['true', '1']],
  ['date', ['2024-02-29', '1999-12-31']],
  ['text', ['2024-2-9']],
  ['text', ['2024/02/29']],
  ['date d/m/y', ['13/2/2024', '01/02/2024']],
  ['date d/m/y', ['13.02.2024', '13-02-2024']],
  ['date m/d/y', ['2/13/2024', '01/02/2024']],
  ['text', ['2/13/2024', '13/2/2024']],
  ['text', ['13/02/24']],
  ['text', ['2024-02-29', '13/02/2024']],
  [
    'timestamp UTC',
    ['2024-02-29T10:00:00Z', '2024-02-29 10:00+0530', '2024-02-29T10:00:00.123456-08'],
  ],
  ['timestamp local', ['2024-02-29T10:00:00', '2024-02-29 10:00']],
  ['text', ['2024-02-29T10:00:00Z', '2024-02-29T10:00:00']],
  ['text', ['2024-02-29T10:00:00', '2024-02-29']],
  ['text', ['2024-02-30T10:00:00']],
  ['text', ['2024-02-29T25:00:00']],
  ['text', ['0001-01-01T00:00:00+14:00']],
])(
  'S3-35 the examination proposes the type %s for a column with the cells %j',
  async (type, cells) => {
    expect(await typeOf(cells)).toBe(type);
  },
);

test('S3-35 the examination proposes text for dates and numbers that can be read in two ways, and asks a person', async () => {
  const content = 'a;b;c\n01/02/2024;1,234;1,234\n03/04/2024;5,678;0,5\n';
  const found = await examined(content);
  expect(columnsOf(found)).toEqual(['a text', 'b text', 'c numeric 1.234,5']);
  expect(found.asks).toEqual([
    {
      code: 'dates',
      column: 'a',
      options: ['d/m/y', 'm/d/y'],
      examples: [
        { line: 2, text: '01/02/2024' },
        { line: 3, text: '03/04/2024' },
      ],
    },
    {
      code: 'numbers',
      column: 'b',
      options: ['1,234.5', '1.234,5'],
      examples: [
        { line: 2, text: '1,234' },
        { line: 3, text: '5,678' },
      ],
    },
  ]);
});
