import { expect, test } from 'vitest';
import { Lines } from '../../../src/datasets/reading/lines.ts';

const rules = {
  delimiter: ',',
  headerLine: 1,
  width: 2,
  fillShortRows: false,
  ignoreEmptySurplus: false,
};

/** Returns how many lines of each kind a text has, and how many rows and rejected lines `Lines` returned. */
function counted(text: string) {
  const lines = new Lines(rules);
  let given = 0;
  const takeAll = () => {
    while (lines.next()) given += 1;
  };
  for (const piece of text) {
    lines.push(piece);
    takeAll();
  }
  lines.end();
  takeAll();
  return { ...lines.total(), given };
}

test('S3-35 each line of a data file is counted once: as above the header, header, row, reject, empty or continuation', () => {
  expect(counted('a,b\r\n1,"x\r\n\ry"\r\n\r\n2\n\0,3\n4,"\n,\r5,6')).toEqual({
    lines: 10,
    above: 0,
    header: 1,
    rows: 2,
    rejects: 3,
    empty: 2,
    continued: 2,
    strayQuotes: 0,
    given: 5,
  });
});

test('S3-35 reading a data file fails if a line is missing from the counts', () => {
  const lines = new Lines(rules);
  lines.push('a,b\n1,2\n3,4\n');
  lines.end();
  lines.next();
  expect(() => lines.total()).toThrow('2 of 3 lines are accounted for');
});

test('a row with more cells than a spreadsheet has columns is rejected, and the next row is read', () => {
  const lines = new Lines(rules);
  lines.push(`a,b\n${'1,'.repeat(20_000)}\n"x",${'1,'.repeat(20_000)}\n1,2\n`);
  const found = [lines.next(), lines.next(), lines.next()];
  expect(found.map((one) => one && ('reason' in one ? [one.line, one.text] : one.cells))).toEqual([
    [2, 'more than 16,384 cells'],
    [3, 'more than 16,384 cells'],
    ['1', '2'],
  ]);
});
