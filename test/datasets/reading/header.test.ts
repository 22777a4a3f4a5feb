import { expect, test } from 'vitest';
import { examined } from './read.ts';

const names = async (content: string, headerLine?: number | null) => {
  const { reading } = await examined(content, headerLine === undefined ? {} : { headerLine });
  return [reading.headerLine, reading.columns.map(({ name }) => name).join(' | ')];
};

test.each<[string, string, number | null, string]>([
  ['the first record with as many cells as most records', 'x\na,b\n1,2\n', 2, 'a | b'],
  [
    'the first record with at least half of its cells filled',
    'x,,,\na,,c,\n1,2,3,4\n',
    2,
    'a | column_2 | c | column_4',
  ],
  ['no header if the first record has only numbers', '1,2\n3,4\n', null, 'column_1 | column_2'],
  [
    'no header if the first record has only numbers and null words',
    '1,null,2.5\n3,x,4\n',
    null,
    'column_1 | column_2 | column_3',
  ],
  [
    'a record with numbers and a word',
    'country,2011,2012\nNorway,1,2\n',
    1,
    'country | 2011 | 2012',
  ],
  ['an empty name, which becomes column_2', 'a,,c\n1,2,3\n', 1, 'a | column_2 | c'],
  ['repeated names, which get numbers', 'a,a,a\n1,2,3\n', 1, 'a | a_2 | a_3'],
  ['line ends within names, which become spaces', '"a\r\n b","c\nd"\n1,2\n', 1, 'a b | c d'],
  ['an empty column without a name, which is left out', 'a,b,,\n1,2,,3\n', 1, 'a | b | column_4'],
  [
    'an empty column in a file without a header, which is left out',
    '1,,2\n3,,4\n',
    null,
    'column_1 | column_3',
  ],
  ['two names that differ only in case', 'id,ID\n1,2\n', 1, 'id | ID'],
])(
  'the examination finds the header of a data file: %s (S3-35)',
  async (_title, content, line, columns) => {
    expect(await names(content)).toEqual([line, columns]);
  },
);

test('a person can choose the header line of a data file, or that the file has none (S3-35)', async () => {
  expect(await names('a,b\nc,d\n1,2\n', 2)).toEqual([2, 'c | d']);
  expect(await names('a,b\nc,d\n1,2\n', null)).toEqual([null, 'column_1 | column_2']);
});

test('choosing the proposed header line does not change how a data file is parsed (S3-35)', async () => {
  for (const content of ['x\na,b\n1,2\n', 'a,b,c,\n1,2,3\n', 'a,b,c\n1,2,3,\n']) {
    const { reading } = await examined(content);
    const chosen = await examined(content, { headerLine: reading.headerLine });
    expect(chosen.reading).toEqual(reading);
  }
});
