import { expect, test } from 'vitest';
import { readRows } from '../../../src/datasets/reading/rows.ts';
import { chunksOf, examined, read } from './read.ts';

const batchesOf = async (content: string) => {
  const { reading } = await examined(content);
  return Array.fromAsync(readRows(chunksOf(content, 65_536), reading));
};

test('a load reads rows in batches of 5,000 lines, with rejected lines included', async () => {
  const batches = await batchesOf(`a,b\n${'1,2\n3\n'.repeat(6_001)}`);
  expect(batches.map(({ rows, rejects }) => [rows.length, rejects.length])).toEqual([
    [2_500, 2_500],
    [2_500, 2_500],
    [1_001, 1_001],
  ]);
  expect(batches[2]?.rejects.at(-1)?.line).toBe(12_003);
});

test('a load reads long rows in batches of about 100 kB', async () => {
  const batches = await batchesOf(`a,b\n${`1,${'x'.repeat(30_000)}\n`.repeat(9)}`);
  expect(batches.map(({ rows }) => rows.length)).toEqual([4, 4, 1]);
});

test('a load rejects a line with a filled cell in a column that the examination left out as empty, so that no value is lost', async () => {
  const { reading } = await examined('a,,b\n1,,2\n');
  const batches = await Array.fromAsync(readRows(chunksOf('a,,b\n1,lost,2\n3,,4\n', 64), reading));
  expect(batches).toEqual([
    {
      rows: [{ line: 3, cells: ['3', '4'] }],
      rejects: [
        {
          line: 2,
          column: null,
          reason: 'cells',
          text: 'a cell in a column that was empty throughout',
          excerpt: 'lost',
        },
      ],
    },
  ]);
});

test('a load refuses a data file with bytes that are invalid in the confirmed encoding', async () => {
  const { reading } = await examined('a,b\n1,2\n');
  const rows = readRows(chunksOf(Uint8Array.of(0x61, 0xff), 1), reading);
  await expect(Array.fromAsync(rows)).rejects.toMatchObject({ status: 422, reason: 'encoding' });
});

test('the reason of a rejected line names the expected type of the column and shows only the beginning of a long cell', async () => {
  const content = `n\n1\n${'x'.repeat(5_000)}\n`;
  const { rejects } = await read(content, { types: { n: { type: 'numeric', format: '1,234.5' } } });
  expect(rejects).toEqual([
    {
      line: 3,
      column: 'n',
      reason: 'type',
      text: `“${'x'.repeat(60)}…” is not a number (1,234.5)`,
      excerpt: 'x'.repeat(200),
    },
  ]);
});
