// Tests that a reference field never guesses which row a typed text means.
import { beforeEach, describe, expect, test } from 'vitest';
import { add, change, get } from '../support/rows.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

let business: number;
let drop: number;
let banner: number;
beforeEach(async () => {
  business = await add(world.staging, 'business', { name: 'Kesar' });
  drop = await addTask('Airport drop before sunrise');
  banner = await add(world.staging, 'banner', { title: 'Sale' });
});
const addTask = (title: string) => add(world.staging, 'task', { business, title });

const pick = (task: string) =>
  ana.post(`/catalog/banner/${banner}`, { title: 'Sale', task, version: '1' });
const picked = async () => (await get(world.staging, { entity: 'banner', id: banner }))['task'];

describe('choosing a row by typing into a reference field', () => {
  test('a reference field picks the row with the typed title, even if the title ends like an ID (F4)', async () => {
    const upgrade = await addTask(`Seat upgrade #${drop}`);
    expect((await pick(`Seat upgrade #${drop}`)).status).toBe(303);
    expect(await picked()).toBe(upgrade);
  });

  test('a reference field accepts a title followed by the ID of a row, and picks that row (F4)', async () => {
    const upgrade = await addTask(`Seat upgrade #${drop}`);
    expect((await pick(`Seat upgrade #${drop} #${upgrade}`)).status).toBe(303);
    expect(await picked()).toBe(upgrade);
  });

  test.each([
    ['an ID', (id: number) => `#${id}`],
    ['digits alone', (id: number) => ` ${id} `],
    ['a title', () => 'Airport drop before sunrise'],
    [
      'a title with its ID, as the list offers it',
      (id: number) => `Airport drop before sunrise #${id}`,
    ],
  ])('the input of a reference field accepts %s (F4, walk 19)', async (_what, text) => {
    expect((await pick(text(drop))).status).toBe(303);
    expect(await picked()).toBe(drop);
  });

  test('typed digits in a reference field choose the row with this title, or else the row with this ID (F4)', async () => {
    const digits = await addTask(String(drop));
    expect((await pick(String(drop))).status).toBe(303);
    expect(await picked()).toBe(digits);
  });

  test.each([
    ['a title with the ID of another row', (id: number) => `Wrong name #${id}`],
    ['a part of a title with the ID of its row', (id: number) => `Airport #${id}`],
    ['an ID that no row has', () => '999999'],
    ['a title that no row has', () => 'Nothing like it'],
    ['a number within a text', (id: number) => `Airport${id}`],
    ['a number that is too large', () => '#99999999999999999999'],
  ])(
    'the input of a reference field refuses %s and keeps what was typed (F4)',
    async (_what, text) => {
      const answer = await pick(text(drop));
      expect(answer.status).toBe(422);
      expect(textOf(answer.text)).toMatch(/from the list|Choose/);
      expect(answer.text).toContain(`value="${text(drop)}"`);
      expect(await picked()).toBeNull();
    },
  );

  test('a reference field refuses a title that several rows have, and names those rows (F4)', async () => {
    const twin = await addTask('Airport drop before sunrise');
    const answer = await pick('Airport drop before sunrise');
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(`#${drop}, #${twin}`);
  });

  test('a save keeps a reference whose row was renamed while the form was open (F4)', async () => {
    expect((await pick(`#${drop}`)).status).toBe(303);
    await change(world.staging, { entity: 'task', id: drop }, { title: 'Renamed' });
    const answer = await ana.post(`/catalog/banner/${banner}`, {
      title: 'Later',
      task: `Airport drop before sunrise #${drop}`,
      task_shown: `Airport drop before sunrise #${drop}`,
      version: '2',
    });
    expect(answer.status).toBe(303);
    expect(await picked()).toBe(drop);
  });
});

test('a picker offers at most 20 rows, each with its ID, its status, and the row that it belongs to (walk 19)', async () => {
  for (let index = 0; index < 21; index += 1) await addTask(`Airport pickup ${index}`);
  const asked = await ana.get('/catalog/task/options?q=Airport').expect(200);
  const { options } = asked.body as { options: { text: string; title: string; context: string }[] };
  expect(options).toHaveLength(20);
  expect(options[0]).toEqual({
    text: `Airport drop before sunrise #${drop}`,
    title: 'Airport drop before sunrise',
    context: `ID ${drop} · Kesar · New`,
  });
});

test('the filter of a catalogue list finds a typed row in the same way as a reference field (F4)', async () => {
  const other = await add(world.staging, 'business', { name: `Wheels #${business}` });
  await add(world.staging, 'task', { business: other, title: 'Of the other' });
  const shown = async (text: string) => {
    const page = await ana.get(`/catalog/task?business=${encodeURIComponent(text)}`).expect(200);
    return ['Airport drop', 'Of the other'].filter((title) => page.text.includes(title));
  };
  for (const text of [`Wheels #${business}`, `#${other}`, `Wheels #${business} #${other}`]) {
    expect([text, await shown(text)]).toEqual([text, ['Of the other']]);
  }
  for (const text of [`#${business}`, `${business}`, 'Kesar', `Kesar #${business}`]) {
    expect([text, await shown(text)]).toEqual([text, ['Airport drop']]);
  }
  for (const text of [`Wrong name #${business}`, 'Kes', '#999999']) {
    expect([text, await shown(text)]).toEqual([text, []]);
  }
});
