// Rows before and after writes are stored in compressed blocks, and rows that former versions stored one by one are
// still read.
import { afterEach, expect, test } from 'vitest';
import type { Row } from '../../src/catalog/entity.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { insertRows } from '../../src/database/bulk.ts';
import { first, sql } from '../../src/database/sql.ts';
import {
  afterSteps,
  imagesOf,
  imageTexts,
  packImages,
  placeText,
  readImages,
  replaced,
  writeImages,
} from '../../src/database/image-bundles.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const { reached } = failpoints;
afterEach(() => {
  failpoints.reached = reached;
});

const rowOf = (id: number, text: string) => ({ id, modified_at: '2026-01-02T03:04:05.678Z', text });
const hostile = 'a "quote" \\ a\ttab, a\nline, \u2028, 👩‍👩‍👧, \u0000';

test('stored row contents are found by their position in a transfer, even if they fill several blocks of 500 rows', async () => {
  const { sql: on } = world.staging;
  const long = 'A long text. '.repeat(10_000);
  const all = Array.from({ length: 1203 }, (_one, index): [number, ReturnType<typeof rowOf>] => [
    index + 1,
    rowOf(index + 1, index % 100 === 0 ? long : `${hostile} ${index}`),
  ]);
  await writeImages(on, 't1', [[replaced, all]]);
  await writeImages(on, 't1', [[afterSteps, [[7, rowOf(7, 'after')]]]]);
  const places = [1, 7, 500, 501, 1203, 1204].map((seq) => ({ transfer: 't1', seq }));
  const found = await readImages<Row>(on, replaced, places);
  expect([...found.keys()].toSorted()).toEqual(places.slice(0, 5).map(placeText).toSorted());
  for (const { seq } of places.slice(0, 5))
    expect(found.get(`t1 ${seq}`)).toEqual(all[seq - 1]?.[1]);
  expect(await imagesOf(on, replaced, 't1')).toEqual(new Map(all));
  const size = await first<{ bytes: number; parts: number }>(
    on,
    sql`select sum(length(images)) as bytes, count(*) as parts from image_bundle`,
  );
  expect(Number(size?.bytes)).toBeLessThan(JSON.stringify(all).length / 10);
  expect(size?.parts).toBeGreaterThan(3);
});

test('rows that are stored again are found at their new positions, also when only some of them are stored', async () => {
  const { sql: on } = world.staging;
  const rows = [1, 2, 3].map((id) => rowOf(id, `row ${id}`));
  const at = (positions: number[]) =>
    positions.flatMap((seq, index) => (rows[index] ? [[seq, rows[index]] as const] : []));
  const stored = [
    [1, 2, 3],
    [1, 2, 3],
    [2, 3, 4],
    [1, 2],
    [1, 3, 501],
  ];
  for (const [index, positions] of stored.entries()) {
    await writeImages(on, `t${index}`, [[replaced, at(positions)]]);
    expect(await imagesOf(on, replaced, `t${index}`)).toEqual(new Map(at(positions)));
  }
});

test('for a row that did not exist before a transfer, no content is stored', async () => {
  const { sql: on } = world.staging;
  await writeImages(on, 't1', [
    [
      replaced,
      [
        [1, null],
        [2, rowOf(2, 'kept')],
      ],
    ],
  ]);
  await writeImages(on, 't2', [[replaced, [[1, null]]]]);
  expect([...(await imagesOf(on, replaced, 't1')).keys()]).toEqual([2]);
  expect((await imagesOf(on, replaced, 't2')).size).toBe(0);
});

test('row contents that a former version stored uncompressed can be read before, during and after the upgrade that compresses them', async () => {
  const { sql: on } = world.staging;
  const images = [1, 2, 501].flatMap((seq) =>
    ['t1', 't2'].map((transfer) => ({ transfer, seq, row: rowOf(seq, `${hostile} ${transfer}`) })),
  );
  await insertRows(
    on,
    'image_bundle',
    images.map(({ transfer, seq, row }) => ({
      side: 'before',
      transfer,
      block: Math.floor((seq - 1) / 500),
      part: seq,
      images: Buffer.from(`${seq}\t${JSON.stringify(row)}`),
    })),
  );
  const expected = new Map(images.map((one) => [placeText(one), one.row]));
  expect(await readImages<Row>(on, replaced, images)).toEqual(expected);
  failpoints.reached = async (name) => {
    if (name === 'images packed') throw new Error('killed');
  };
  await expect(packImages(world.staging)).rejects.toThrow('killed');
  expect(await readImages<Row>(on, replaced, images)).toEqual(expected);
  failpoints.reached = reached;
  expect(await packImages(world.staging)).toBe(1);
  expect(await packImages(world.staging)).toBe(0);
  expect(await readImages<Row>(on, replaced, images)).toEqual(expected);
  const texts = [];
  for await (const text of imageTexts(on, 'image_bundle')) texts.push(text);
  expect(texts.join('').split('\n').filter(Boolean)).toHaveLength(images.length);
});
