// Tests data files with many columns and long cells: pages show a part of them, and Oneway never holds all rows in
// memory.
import { beforeEach, expect, test } from 'vitest';
import { select, sql } from '../../src/database/sql.ts';
import * as datasets from '../../src/datasets/datasets.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { csvOf } from '../../src/datasets/export.ts';
import * as registry from '../../src/datasets/registry.ts';
import * as rows from '../../src/datasets/rows.ts';
import * as searching from '../../src/datasets/search.ts';
import * as versions from '../../src/datasets/versions.ts';
import { shownColumns } from '../../src/datasets/wide.ts';
import { addDataset, load, rowsOf, runJobs, upload } from '../support/datasets.ts';
import { useClient, useSite } from '../support/people.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const dana = useClient(site, 'dana');
let cities: Dataset;

beforeEach(async () => {
  cities = await addDataset(world.staging);
});

const WIDTH = 16_384;
const line = (cell: (index: number) => string) =>
  Array.from({ length: WIDTH }, (_, index) => cell(index)).join(';');
/**
 * Only the last column holds ambiguous dates, so the page for checking the file asks whether day or month comes first
 * in this column.
 */
const wide = [
  line((index) => `column with a name ${index}`),
  ...Array.from({ length: 25 }, (_, row) =>
    line((index) => (index === WIDTH - 1 ? '01/02/2024' : `${row}`)),
  ),
].join('\n');

test('a data file with 16,384 columns is loaded completely; the page for checking it shows 200 of them, including those with questions', async () => {
  const file = await upload(world.staging, cities, wide);
  const stored = await select<{ length: number }>(
    world.staging.sql,
    sql`select length(examination) as length from operations_datafile_registry`,
  );
  expect(stored[0]?.length).toBeLessThan(16_000_000);
  const page = await dana.get(`/datafiles/${file.id}/check`);
  expect(page.status).toBe(200);
  expect(page.text.length).toBeLessThan(1_000_000);
  expect(page.text).toContain('16,184 more columns are not shown');
  expect(page.text).toContain(`value="column with a name ${WIDTH - 1}"`);
  const asked = fieldsOn(page.text, '/loading"');
  asked['types[199][type]'] = 'date|d/m/y';
  const chosen = await dana.post(`/datafiles/${file.id}/reading`, asked);
  expect(chosen.status).toBe(303);
  await runJobs(world.staging);
  const again = await dana.get(`/datafiles/${file.id}/check`);
  const form = fieldsOn(again.text, '/loading"');
  expect((await dana.post(`/datafiles/${file.id}/loading`, form)).status).toBe(303);
  await runJobs(world.staging);
  const [row] = await rowsOf(world.staging, cities);
  expect([row?.length, row?.at(-1)]).toEqual([WIDTH, '2024-02-01']);
  const table = await dana.get(`/datasets/${cities.id}`);
  expect(table.text).toContain('16,184 more columns are not shown');
  expect(table.text.match(/<td>/g)?.length).toBe(25 * 200);
  const found = await dana.get(
    `/datasets/${cities.id}?q=2024&column=${encodeURIComponent(`column with a name ${WIDTH - 1}`)}`,
  );
  expect(found.text).toContain('<td>2024-02-01</td>');
}, 120_000);

test('long cells of a dataset are truncated on pages but exported completely', async () => {
  const cell = 'x'.repeat(900_000);
  await load(
    world.staging,
    cities,
    `n,text\n${Array.from({ length: 30 }, (_, row) => `${row},${cell}`).join('\n')}\n`,
  );
  const page = await dana.get(`/datasets/${cities.id}`);
  expect(page.text.length).toBeLessThan(100_000);
  expect(page.text).toContain('Rows 1 to 8 of 30');
  const { current_version: number } = await datasets.known(world.staging.sql, cities.id);
  const version = await versions.find(world.staging.sql, cities.id, number ?? 0);
  if (!version) throw new Error('nothing was loaded');
  const at = { dataset: cities.id, version: version.number };
  expect(await rows.page(world.staging.sql, at, { from: 5, limit: 5000 })).toHaveLength(8);
  const wanted = { search: { text: 'x', column: 1 }, from: 1, limit: 50 };
  expect((await searching.find(world.staging.sql, version, wanted)).rows).toHaveLength(30);
  let length = 0;
  for await (const part of csvOf(world.staging.sql, version, { isExact: true })) {
    expect(part.length).toBeLessThan(9_000_000);
    length += part.length;
  }
  expect(length).toBeGreaterThan(27_000_000);
}, 60_000);

test('a dataset row of more than 8 MB is read alone, although several rows were requested', async () => {
  const file = await load(world.staging, cities, 'a\nx\ny\n');
  await select(
    world.staging.sql,
    sql`update data_row set cells = concat('["', repeat('z', 9000000), '"]') where datafile = ${file.id} and id = 1`,
  );
  const at = { dataset: cities.id, version: 1 };
  const page = await rows.page(world.staging.sql, at, { from: 1, limit: 10 });
  expect(page.map(({ id }) => id)).toEqual([1]);
  expect((await registry.known(world.staging.sql, file.id)).state).toBe('processed');
});

test('a page shows 200 columns of a wide table in their order, and always includes the searched column', () => {
  expect(shownColumns(3, () => false)).toEqual([0, 1, 2]);
  const shown = shownColumns(1000, (index) => index === 999 || index === 500);
  expect([shown.length, ...shown.slice(-3)]).toEqual([200, 197, 500, 999]);
});

test.each(['__proto__', '<b>"x"</b>', "it's `a` & b"])(
  'a dataset column called %s can be checked, loaded, searched and exported like any other column',
  async (name) => {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const file = await upload(world.staging, cities, `${quoted},day\n1,01/02/2024\n`);
    const page = await dana.get(`/datafiles/${file.id}/check`);
    expect(page.text).not.toContain('<b>"x"');
    const form = fieldsOn(page.text, '/loading"');
    form['types[0][type]'] = 'text|';
    form['types[1][type]'] = 'date|d/m/y';
    await dana.post(`/datafiles/${file.id}/reading`, form);
    await runJobs(world.staging);
    const again = fieldsOn((await dana.get(`/datafiles/${file.id}/check`)).text, '/loading"');
    await dana.post(`/datafiles/${file.id}/loading`, again);
    await runJobs(world.staging);
    expect(await rowsOf(world.staging, cities)).toEqual([['1', '2024-02-01']]);
    const found = await dana.get(`/datasets/${cities.id}?q=1&column=${encodeURIComponent(name)}`);
    expect(found.text).toContain('1 row found');
    const exported = await dana.get(`/datasets/${cities.id}/download`);
    expect(exported.text.split('\r\n')[1]).toBe('1,2024-02-01');
  },
);
