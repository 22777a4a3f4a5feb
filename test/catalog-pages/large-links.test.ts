// Tests rows with more links than earlier versions of Oneway could post in a form.
import { expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { insertRows } from '../../src/database/bulk.ts';
import type { Link } from '../../src/catalog/fields.ts';
import { shownValues } from '../support/forms.ts';
import { useClient, useSite } from '../support/people.ts';
import { inParts } from '../support/requests.ts';
import { add, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const pm = useClient(site, 'pm');

/** Cities from this id on are linked with no other row. */
const FIRST = 100_000;
const nameOf = (n: number) => `City ${String(n).padStart(5, '0')} with a long name`;

async function linkedWith(entity: 'business' | 'task' | 'banner', cities: number) {
  const id = await add(world.staging, entity, await factsFor(entity));
  const on = world.staging.sql;
  const ids = Array.from({ length: cities }, (_, n) => FIRST + n);
  const modified_at = '2026-11-01 09:00:00.000';
  await insertRows(
    on,
    'city',
    ids.map((city, n) => ({ id: city, name: nameOf(n), country: null, modified_at })),
  );
  await insertRows(
    on,
    `${entity}_city`,
    ids.map((city) => ({ [`${entity}_id`]: id, city_id: city, partner_id: null })),
  );
  return { entity, id };
}

const factsFor = async (entity: string) =>
  entity === 'task'
    ? { business: await add(world.staging, 'business'), cities: [] }
    : { cities: [] };

/** Changes some inputs of the row’s form, and posts it as multipart, as a browser does. */
async function save(key: { entity: string; id: number }, changes: Record<string, string>) {
  const address = `/catalog/${key.entity}/${key.id}`;
  const shown = shownValues((await pm.get(address)).text);
  const entries = Object.entries({ ...shown, ...changes });
  const body = inParts([['csrf', await pm.token()], ...entries]);
  return pm.postRaw(address, 'multipart/form-data; boundary=x-x-x', body);
}

const citiesOf = async (key: { entity: string; id: number }) =>
  (await get(world.staging, key))['cities'] as Link[];

test.each(['business', 'task', 'banner'] as const)(
  'saving a %s with 1,201 linked cities keeps all of them (F17)',
  async (entity) => {
    const key = await linkedWith(entity, 1201);
    const { title } = entityNamed(entity);
    const answer = await save(key, { [title]: 'Changed' });
    expect([answer.status, answer.headers['location']]).toEqual([
      303,
      `/catalog/${entity}/${key.id}`,
    ]);
    expect((await get(world.staging, key))[title]).toBe('Changed');
    expect(await citiesOf(key)).toHaveLength(1201);
  },
);

test('one of 5,000 linked cities of a row can be replaced (F17)', async () => {
  const key = await linkedWith('business', 5000);
  await insertRows(world.staging.sql, 'city', [
    { id: 1, name: 'Zanskar', country: null, modified_at: '2026-11-01 09:00:00.000' },
  ]);
  const changes = { 'cities[17][city]': '', 'cities[5000][city]': 'Zanskar' };
  const refused = await save(key, { ...changes, priority: 'many' });
  expect(refused.status).toBe(422);
  const shown = Object.values(shownValues(refused.text));
  expect([shown.includes('Zanskar'), shown.includes(nameOf(17))]).toEqual([true, false]);
  expect((await save(key, changes)).status).toBe(303);
  const saved = (await citiesOf(key)).map(({ city }) => city);
  expect([saved.length, saved.includes('Zanskar'), saved.includes(nameOf(17))]).toEqual([
    5000,
    true,
    false,
  ]);
}, 60_000);

test('a form with more linked cities than are allowed is refused, and shows all typed lines again (F17)', async () => {
  const key = await linkedWith('business', 5000);
  const refused = await save(key, { 'cities[5000][city]': nameOf(1), name: 'Typed' });
  expect(refused.status).toBe(422);
  expect(refused.text).toContain('5,000 lines at most');
  const shown = shownValues(refused.text);
  expect([shown['name'], shown['cities[4999][city]'], shown['cities[5000][city]']]).toEqual([
    'Typed',
    nameOf(4999),
    nameOf(1),
  ]);
}, 60_000);
