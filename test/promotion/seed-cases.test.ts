// S0-80: the seed's own table of tests, by its names.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { add, change, get, transfer } from '../support/rows.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
beforeEach(() => world.clear());
afterAll(() => world.close());

test('S0-80 S0-24 insert data in staging: a row of every type is saved', async () => {
  const { staging } = world;
  const business = await add(staging, 'business', { name: 'Tide & Thyme “Kitchen”' });
  const form = await add(staging, 'form');
  const task = await add(staging, 'task', { business, form });
  const keys = [
    { entity: 'business', id: business },
    { entity: 'form', id: form },
    { entity: 'form_field', id: await add(staging, 'form_field', { form }) },
    { entity: 'task', id: task },
    { entity: 'order_receipt', id: await add(staging, 'order_receipt', { task }) },
    { entity: 'sts', id: await add(staging, 'sts', { business, task }) },
    { entity: 'banner', id: await add(staging, 'banner', { business }) },
    { entity: 'external_tool', id: await add(staging, 'external_tool', { business }) },
  ];
  for (const key of keys) expect(await get(staging, key)).toMatchObject({ id: key.id });
  expect((await get(staging, keys[0]!))['name']).toBe('Tide & Thyme “Kitchen”');
});

test('S0-80 S0-38 city updates: the set of cities there is replaced', async () => {
  const { staging, preprod } = world;
  for (const here of [staging, preprod]) {
    for (const name of ['Pune', 'Delhi', '東京']) await add(here, 'city', { name });
  }
  const cities = (names: string[]) => names.map((city) => ({ city, partner: null }));
  const id = await add(staging, 'business', { cities: cities(['Pune', 'Delhi']) });
  const key = { entity: 'business', id };
  await transfer(staging, [key]);
  expect((await get(preprod, key))['cities']).toEqual(cities(['Delhi', 'Pune']));
  await change(staging, key, { cities: cities(['Pune', '東京']) });
  await transfer(staging, [key]);
  expect((await get(preprod, key))['cities']).toEqual(cities(['Pune', '東京']));
});
