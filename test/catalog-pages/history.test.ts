// The history of a row shows pictures and names, not hashes and ids.
import { expect, test } from 'vitest';
import { useClient, useSite } from '../support/people.ts';
import { add, change } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

test('the history of a row names a referenced row with a link to it', async () => {
  const { staging } = world;
  const business = await add(staging, 'business', { name: 'Blue Lamps' });
  const task = await add(staging, 'task', { title: 'Book a visit', business });
  const { text } = await ana.get(`/catalog/task/${task}/history`);
  expect(text).toMatch(new RegExp(`href="/catalog/business/${business}">Blue Lamps</a>`));
});

test('the history of a banner shows the old and the new picture', async () => {
  const { staging } = world;
  const [first, second] = ['a', 'b'].map((digit) => `${digit.repeat(64)}.png`);
  const banner = await add(staging, 'banner', { title: 'Diwali', image: first ?? null });
  await change(staging, { entity: 'banner', id: banner }, { image: second ?? null });
  const { text } = await ana.get(`/catalog/banner/${banner}/history`);
  expect(text).toContain(`<img class="object" src="/objects/${first}"`);
  expect(text).toContain(`<img class="object" src="/objects/${second}"`);
});
