import { expect, test } from 'vitest';
import { delimiters, proposeDelimiter } from '../../../src/datasets/reading/delimiter.ts';
import { examined } from './read.ts';

const propose = (text: string) => proposeDelimiter({ text, isWhole: true });

test.each(delimiters.map((delimiter) => [delimiter]))(
  'the examination of a data file proposes the delimiter %j if it splits every row into the same number of cells (S3-35)',
  (delimiter) => {
    const text = [
      ['a, b', 'c; d', 'e'],
      ['f', 'g|h', 'i'],
      ['j', 'k\tl', 'm'],
    ]
      .map((row) => row.map((cell) => `"${cell}"`).join(delimiter))
      .join('\n');
    expect(propose(text)).toBe(delimiter);
  },
);

test.each([
  ['of two that split rows evenly, the one with more columns', 'a;b;1,5\nc;d;2,5\n', ';'],
  ['not the separator of a list within a cell', 'name,colour\nred,255;0;0\ngreen,0;255;0\n', ','],
  ['one that splits rows evenly before one with more columns', 'a,b\nc,d|e|f\ng,h\n', ','],
  ['not the commas in the sentences of a single column', 'note\nyes, but\nno\n', ';'],
  ['a comma for one column without any delimiter', 'note\nyes\n', ','],
  ['a comma for rows with only empty cells', ',,\n,,\n', ','],
])('the examination of a data file proposes a delimiter: %s (S3-35)', (_title, text, delimiter) => {
  expect(propose(text)).toBe(delimiter);
});

test('a person can choose any character as the delimiter of a data file (S3-35)', async () => {
  const { reading } = await examined('a:b\n1:2\n', { delimiter: ':' });
  expect(reading.columns.map(({ name }) => name)).toEqual(['a', 'b']);
});
