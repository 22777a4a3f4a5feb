// Tests the export of a list: the rows with its filters, in its order, with every field except secrets.
import { expect, test } from 'vitest';
import { insertRows } from '../../src/database/bulk.ts';
import { add, change } from '../support/rows.ts';
import { useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const vic = useClient(site, 'vic');
const ana = useClient(site, 'pm');

test('anyone who may view a list can export the rows of all its pages, with its filters and in its order', async () => {
  const business = await add(world.staging, 'business', { name: 'Kesar “Wheels” 🪔' });
  const other = await add(world.staging, 'business', { name: 'Other' });
  const task = {
    business_id: business,
    active: true,
    priority: 1,
    modified_at: '2026-11-01 10:00:00.000',
  };
  const cabs = Array.from({ length: 60 }, (_, one) => `Cab ${one + 10}`);
  await insertRows(world.staging.sql, 'task', [
    ...cabs.toReversed().map((title, index) => ({ ...task, id: 900 + index, title })),
    { ...task, id: 890, title: 'Not active', active: false },
  ]);
  await add(world.staging, 'task', { business: other, title: 'Of another business' });
  const list = await vic.get(`/catalog/task?business=%23${business}&active=yes&sort=title`);
  const href = /href="([^"]+format=json)"/.exec(list.text)?.[1]?.replaceAll('&amp;', '&');
  const rows = (await vic.get(href ?? '').expect(200)).body as Record<string, unknown>[];
  expect(rows.map(({ title }) => title)).toEqual(cabs);
  expect(rows[0]).toMatchObject({
    business: 'Kesar “Wheels” 🪔',
    business_id: business,
    active: true,
    modified_at: '2026-11-01T10:00:00.000Z',
  });
});

test('a CSV export puts an apostrophe before texts that a spreadsheet would run as formulas, and writes numbers as numbers', async () => {
  const titles = ['=1+1', '+44', '-5', '@sum', '＝1+1', '＋44', '－5', '＠sum', 'a, "b"'];
  const business = await add(world.staging, 'business');
  for (const title of titles) {
    await add(world.staging, 'task', { business, title, priority: 7, message: null });
  }
  const { text } = await ana.get('/catalog/task/export?format=csv&sort=id').expect(200);
  const [head, ...lines] = text.trimEnd().split('\r\n');
  expect(head).toMatch(/^\uFEFFID,Title,Message,Business,Business ID,/);
  expect(lines.map((line) => line.split(',').slice(1, 3).join())).toEqual([
    "'=1+1,",
    "'+44,",
    "'-5,",
    "'@sum,",
    "'＝1+1,",
    "'＋44,",
    "'－5,",
    "'＠sum,",
    '"a, ""b"""',
  ]);
  expect(lines[0]).toMatch(/,7,/);
});

test('an export contains no secret, and no column for a secret', async () => {
  const business = await add(world.staging, 'business');
  await add(world.staging, 'external_tool', { business, name: 'Dispatch', key: 's3cret' });
  const { body } = await ana.get('/catalog/external_tool/export?format=json').expect(200);
  expect(body).toHaveLength(1);
  expect(Object.keys(body[0])).toEqual(expect.arrayContaining(['name', 'endpoint', 'active']));
  expect(JSON.stringify(body)).not.toMatch(/key|sealed|s3cret/);
});

test('MongoDB documents are exported like MySQL rows, and an export in an unknown format answers 404', async () => {
  const id = await add(world.staging, 'form', { name: 'Address', description: 'Old' });
  await change(world.staging, { entity: 'form', id }, { description: 'New' });
  const { body } = await ana.get('/catalog/form/export?format=json&q=Addr').expect(200);
  expect(body).toMatchObject([
    { id, name: 'Address', description: 'New', version: 2, status: 'New', changed_by: 'pm' },
  ]);
  await ana.get('/catalog/form/export?format=xls').expect(404);
  expect((await ana.get('/catalog/form/export?format=json&q=none')).body).toEqual([]);
});

test('only the ticked rows of a list are exported, or all that its filters find after “Act on all”', async () => {
  const ids: number[] = [];
  for (const name of ['One', 'Two', 'Three']) ids.push(await add(world.staging, 'form', { name }));
  const exported = async (posted: object) => {
    const { headers } = await ana.post('/bulk/form/export', { format: 'json', ...posted });
    return ((await ana.get(headers['location'] ?? '').expect(200)).body as { id: number }[]).map(
      ({ id }) => id,
    );
  };
  const [one, two, three] = ids;
  const rows = [`form:${one}`, `form:${three}`];
  expect(await exported({ rows, query: 'q=Two' })).toEqual([one, three]);
  expect(await exported({ rows, query: 'q=Two', everything: 'yes' })).toEqual([two]);
  expect((await ana.post('/bulk/form/export', { format: 'json' })).status).toBe(422);
  expect((await ana.get('/catalog/form/export?format=json&ticked=x')).body).toEqual([]);
});
