// Tests the row pages of environments without editing: the edit page opens, shows every value, and saves nothing.
import { expect, test } from 'vitest';
import { keyText, titleOf, type Row, type RowKey } from '../../src/catalog/entity.ts';
import { entityNamed, travelling } from '../../src/catalog/index.ts';
import { cast, openSite, textOf } from '../support/people.ts';
import { add, get, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

/**
 * Adds a row of every transferred entity in staging, and transfers these rows to the other
 * environments.
 */
async function rowsEverywhere(): Promise<RowKey[]> {
  const { staging, preprod } = world;
  const business = await add(staging, 'business', { name: 'Sunrise Clinic', priority: 4 });
  const form = await add(staging, 'form', { name: 'Visit details' });
  const task = await add(staging, 'task', { title: 'Book a visit', business, form });
  const keys = [
    { entity: 'business', id: business },
    { entity: 'form', id: form },
    { entity: 'task', id: task },
    { entity: 'form_field', id: await add(staging, 'form_field', { form }) },
    { entity: 'sts', id: await add(staging, 'sts', { business, task }) },
    { entity: 'banner', id: await add(staging, 'banner', { business }) },
    { entity: 'external_tool', id: await add(staging, 'external_tool', { business }) },
    { entity: 'order_receipt', id: await add(staging, 'order_receipt', { task }) },
  ];
  expect(keys.map(({ entity }) => entity).toSorted()).toEqual(
    travelling.map(({ name }) => name).toSorted(),
  );
  await transfer(staging, keys);
  await transfer(preprod, keys);
  return keys;
}

const controlsIn = (html: string, entity: string) => {
  const main = /<main[\s\S]*<\/main>/.exec(html)?.[0] ?? '';
  const names = [...main.matchAll(/<(?:input|select|textarea)[^>]* name="([^"]+)"/g)].map(
    ([, name = '']) => name.split(/[.[]/)[0] ?? '',
  );
  const fields = Object.keys(entityNamed(entity).fields);
  return names.filter((name) => fields.includes(name));
};

test.each(['preprod', 'production'] as const)(
  'S0-93 the edit page of a row in %s shows its values without input fields, and saves nothing',
  async (name) => {
    const keys = await rowsEverywhere();
    const site = await openSite(world, name);
    for (const role of ['pm', 'ed', 'ops']) {
      const client = await site.as(role);
      for (const key of keys) {
        const address = `/catalog/${key.entity}/${key.id}`;
        const before: Row = await get(world[name], key);
        const page = await client.get(address).expect(200);
        expect(textOf(page.text)).toContain(titleOf(entityNamed(key.entity), before));
        expect([keyText(key), controlsIn(page.text, key.entity)]).toEqual([keyText(key), []]);
        const { id: _id, modified_at: _at, ...content } = before;
        const posted = Object.fromEntries(
          Object.entries(content).filter(([, value]) => typeof value === 'string'),
        );
        const saved = await client.post(address, { ...posted, version: '1' });
        expect([keyText(key), saved.status]).toEqual([keyText(key), 403]);
        expect(await get(world[name], key)).toEqual(before);
      }
      expect((await client.post('/catalog/form', { name: 'Forged' })).status).toBe(403);
    }
  },
);

test('S0-93 the edit page of a row in staging has an input for each of its fields', async () => {
  const site = await openSite(world, 'staging');
  const client = await site.as('pm');
  const id = await add(world.staging, 'form');
  const page = await client.get(`/catalog/form/${id}`).expect(200);
  expect(controlsIn(page.text, 'form')).toEqual(['name', 'description']);
});

test('S0-100 every signed-in user, and nobody else, can read all rows in production', async () => {
  const keys = await rowsEverywhere();
  const site = await openSite(world, 'production');
  const addresses = keys.flatMap(({ entity, id }) => [
    `/catalog/${entity}`,
    `/catalog/${entity}/${id}`,
  ]);
  for (const role of Object.keys(cast)) {
    const client = await site.as(role);
    for (const address of addresses) {
      expect([role, address, (await client.get(address)).status]).toEqual([role, address, 200]);
    }
  }
  const stranger = await site.as(null);
  for (const address of addresses) {
    expect((await stranger.get(address)).headers['location']).toMatch(/^\/sign-in/);
  }
});
