// Tests the search for a text in the rows of a dataset version, which scans a limited number of rows per request.
import { beforeAll, expect, test } from 'vitest';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { find, type Search } from '../../src/datasets/search.ts';
import * as versions from '../../src/datasets/versions.ts';
import { addDataset, load } from '../support/datasets.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const ROWS = 100_250;
let few: Dataset;
let many: Dataset;

beforeAll(async () => {
  await world.clear();
  few = await addDataset(world.staging, { name: 'few' });
  const names = ['Zürich,1,true', 'ŁÓDŹ,2,false', 'são paulo,3,true', 'Pune,12,', '100%_,5,'];
  await load(world.staging, few, `name,people,open\n${names.join('\n')}\n`);
  many = await addDataset(world.staging, { name: 'many' });
  const lines = Array.from({ length: ROWS }, (_one, index) => `row ${index + 1}`);
  await load(world.staging, many, `name\n${lines.join('\n')}\n`);
}, 120_000);

async function search(dataset: Dataset, wanted: Search | null, from = 1, limit = 50) {
  const [version] = await versions.list(world.staging.sql, dataset.id);
  if (!version) throw new Error('There is no version');
  const found = await find(world.staging.sql, version, { search: wanted, from, limit });
  return { ...found, ids: found.rows.map(({ id }) => id) };
}
const inAll = (text: string): Search => ({ text, column: null });

test.each([
  ['texts without regard to accents and upper case', 'zurich', [1]],
  ['texts with accents that the cell does not have', 'PÜNE', [4]],
  ['digits of numbers', '2', [2, 4]],
  ['booleans by their text true or false', 'fals', [2]],
  ['the SQL wildcards % and _ literally', '%_', [5]],
  ['nothing for a text that no row contains', 'nowhere', []],
])('a search in a dataset matches %s', async (_what, text, ids) => {
  expect(await search(few, inAll(text))).toMatchObject({ ids, next: null, searchedTo: 5 });
});

test('a search in one column of a dataset ignores the other columns', async () => {
  expect((await search(few, { text: '1', column: 0 })).ids).toEqual([5]);
  expect((await search(few, { text: '1', column: 1 })).ids).toEqual([1, 4]);
});

test('a page of a dataset’s rows says at which row the next page begins; the last page has no next page', async () => {
  expect(await search(few, null, 1, 2)).toMatchObject({ ids: [1, 2], next: 3 });
  expect(await search(few, null, 3, 2)).toMatchObject({ ids: [3, 4], next: 5 });
  expect(await search(few, null, 5, 2)).toMatchObject({ ids: [5], next: null });
  expect(await search(few, null, 1, 5)).toMatchObject({ next: null });
});

test('the next page of a dataset search begins at the row after the last row found, so that no matching row is skipped', async () => {
  const first = await search(many, inAll('row 1'), 1, 3);
  expect(first).toMatchObject({ ids: [1, 10, 11], searchedTo: 11, next: 12 });
  expect((await search(many, inAll('row 1'), first.next ?? 0, 3)).ids).toEqual([12, 13, 14]);
});

test('one request to search a dataset scans 100,000 rows, and the next request continues after them', async () => {
  const first = await search(many, inAll(`row ${ROWS}`));
  expect(first).toMatchObject({ ids: [], searchedTo: 100_000, next: 100_001 });
  expect(await search(many, inAll(`row ${ROWS}`), 100_001)).toMatchObject({
    ids: [ROWS],
    searchedTo: ROWS,
    next: null,
  });
}, 60_000);
