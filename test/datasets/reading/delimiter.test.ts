import { expect, test } from '@jest/globals';
import { delimiters, proposeDelimiter } from '../../../src/datasets/reading/delimiter.ts';
import { examined } from './read.ts';

const propose = (text: string) => proposeDelimiter({ text, isWhole: true });

test.each(delimiters.map((delimiter) => [delimiter]))(
  'proposes the delimiter %j of even rows (S3-35)',
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
  ['more columns win among even rows', 'a;b;1,5\nc;d;2,5\n', ';'],
  ['a list within a cell is none', 'name,colour\nred,255;0;0\ngreen,0;255;0\n', ','],
  ['even rows win over more columns', 'a,b\nc,d|e|f\ng,h\n', ','],
  ['commas inside sentences do not cut one column', 'note\nyes, but\nno\n', ';'],
  ['one column without any delimiter', 'note\nyes\n', ','],
  ['rows that are empty throughout', ',,\n,,\n', ','],
])('proposes the right delimiter: %s (S3-35)', (_title, text, delimiter) => {
  expect(propose(text)).toBe(delimiter);
});

test('a person may choose any character as the delimiter (S3-35)', async () => {
  const { reading } = await examined('a:b\n1:2\n', { delimiter: ':' });
  expect(reading.columns.map(({ name }) => name)).toEqual(['a', 'b']);
});
