import { expect, test } from '@jest/globals';
import { examined } from './read.ts';

const names = async (content: string, headerLine?: number | null) => {
  const { reading } = await examined(content, headerLine === undefined ? {} : { headerLine });
  return [reading.headerLine, reading.columns.map(({ name }) => name).join(' | ')];
};

test.each<[string, string, number | null, string]>([
  ['the first record as wide as most', 'x\na,b\n1,2\n', 2, 'a | b'],
  ['half of its cells are filled', 'x,,,\na,,c,\n1,2,3,4\n', 2, 'a | column_2 | c | column_4'],
  ['numbers alone are no header', '1,2\n3,4\n', null, 'column_1 | column_2'],
  [
    'numbers and null words alone are none',
    '1,null,2.5\n3,x,4\n',
    null,
    'column_1 | column_2 | column_3',
  ],
  ['numbers beside a word are one', 'country,2011,2012\nNorway,1,2\n', 1, 'country | 2011 | 2012'],
  ['an empty header gets its number', 'a,,c\n1,2,3\n', 1, 'a | column_2 | c'],
  ['a repeated header gets a number behind it', 'a,a,a\n1,2,3\n', 1, 'a | a_2 | a_3'],
  ['line ends become a space', '"a\r\n b","c\nd"\n1,2\n', 1, 'a b | c d'],
  ['an empty column under an empty header is left out', 'a,b,,\n1,2,,3\n', 1, 'a | b | column_4'],
  ['an empty column without a header is left out', '1,,2\n3,,4\n', null, 'column_1 | column_3'],
  ['names that differ in their case are two', 'id,ID\n1,2\n', 1, 'id | ID'],
])('finds the header: %s (S3-35)', async (_title, content, line, columns) => {
  expect(await names(content)).toEqual([line, columns]);
});

test('a person may choose the header line, or that there is none (S3-35)', async () => {
  expect(await names('a,b\nc,d\n1,2\n', 2)).toEqual([2, 'c | d']);
  expect(await names('a,b\nc,d\n1,2\n', null)).toEqual([null, 'column_1 | column_2']);
});

test('the proposed header line, when it is chosen, gives the same reading (S3-35)', async () => {
  for (const content of ['x\na,b\n1,2\n', 'a,b,c,\n1,2,3\n', 'a,b,c\n1,2,3,\n']) {
    const { reading } = await examined(content);
    const chosen = await examined(content, { headerLine: reading.headerLine });
    expect(chosen.reading).toEqual(reading);
  }
});
