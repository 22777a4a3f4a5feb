// The test cases that requirement S0-80 of the specification lists, one by one.
import { expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { remove } from '../../src/editing/deletions.ts';
import { add, change, get, has, writeContextOf, pm, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

test('S0-80 S0-24 a row of every type can be added in staging', async () => {
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

test('S0-80 S0-38 a transfer replaces the linked cities of a row', async () => {
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

test('S0-80 S0-39 a transfer links each city with its partner, which is found by name at the destination', async () => {
  const { staging, preprod } = world;
  await add(preprod, 'partner', { name: 'Another one first' });
  for (const here of [staging, preprod]) {
    await add(here, 'city', { name: 'Pune' });
    for (const name of ['TOI Offers', 'Café Coral']) await add(here, 'partner', { name });
  }
  const id = await add(staging, 'task', {
    business: await add(staging, 'business'),
    cities: [{ city: 'Pune', partner: 'TOI Offers' }],
  });
  const key = { entity: 'task', id };
  await transfer(staging, [key]);
  expect((await get(preprod, key))['cities']).toEqual([{ city: 'Pune', partner: 'TOI Offers' }]);
  await change(staging, key, { cities: [{ city: 'Pune', partner: 'Café Coral' }] });
  await transfer(staging, [key]);
  expect((await get(preprod, key))['cities']).toEqual([{ city: 'Pune', partner: 'Café Coral' }]);
});

test('S0-80 S0-37 each transfer sets modified_at by the clock of the destination', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  const before = Date.now();
  await transfer(staging, [key]);
  const first = (await get(preprod, key)).modified_at;
  expect(Date.parse(first)).toBeGreaterThanOrEqual(before);
  expect(first).not.toBe((await get(staging, key)).modified_at);
  await transfer(staging, [key], { resend: true });
  expect(Date.parse((await get(preprod, key)).modified_at)).toBeGreaterThan(Date.parse(first));
});

test('S0-80 S0-40 a transfer of a form adds, changes and removes its form fields', async () => {
  const { staging, preprod } = world;
  const form = await add(staging, 'form');
  const fields = [
    await add(staging, 'form_field', { form, label: 'Name', type: 'text' }),
    await add(staging, 'form_field', { form, label: 'Size', type: 'choice', options: ['S', 'M'] }),
  ];
  const key = { entity: 'form', id: form };
  await transfer(staging, [key]);
  await change(staging, { entity: 'form_field', id: fields[1]! }, { options: ['S', 'M', 'XL'] });
  const third = await add(staging, 'form_field', { form, label: 'Allergies', type: 'long_text' });
  await remove(writeContextOf(staging), pm, entityNamed('form_field'), fields[0]!);
  await transfer(staging, [key]);
  expect(await has(preprod, { entity: 'form_field', id: fields[0]! })).toBe(false);
  const field = (id: number) => get(preprod, { entity: 'form_field', id });
  expect((await field(fields[1]!))['options']).toEqual(['S', 'M', 'XL']);
  expect((await field(third))['label']).toBe('Allergies');
});

test('S0-80 S0-41 a transfer of a task includes its order receipt', async () => {
  const { staging, preprod } = world;
  const task = await add(staging, 'task', { business: await add(staging, 'business') });
  const receipt = await add(staging, 'order_receipt', {
    task,
    text: 'Order {order_id} is on its way.',
  });
  await transfer(staging, [{ entity: 'task', id: task }]);
  expect(await get(preprod, { entity: 'order_receipt', id: receipt })).toMatchObject({
    task,
    text: 'Order {order_id} is on its way.',
  });
});

test('S0-80 S0-42 a transfer keeps emoji and special characters unchanged, in MySQL and in MongoDB', async () => {
  const { staging, preprod } = world;
  const hostile =
    'Zoë’s “café” cafe\u0301 👩🏽‍⚕️🇮🇳 \u202bשלום\u202c العربية தமிழ் नमस्ते 東京 \u200d <b>&amp;</b> \\ \' " ` ; -- \u0000?'.replace(
      '\u0000',
      '',
    );
  const business = await add(staging, 'business', {
    name: 'Diya 🪔 & "Sons" O\'Neill',
    description: hostile,
  });
  const form = await add(staging, 'form', { description: hostile });
  await transfer(staging, [
    { entity: 'business', id: business },
    { entity: 'form', id: form },
  ]);
  const arrived = await get(preprod, { entity: 'business', id: business });
  expect(arrived['description']).toBe(hostile);
  expect(arrived['name']).toBe('Diya 🪔 & "Sons" O\'Neill');
  expect((await get(preprod, { entity: 'form', id: form }))['description']).toBe(hostile);
});
