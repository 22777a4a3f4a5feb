// Tests that posting the form of a new row twice, by a double click or after going back, adds no row by mistake.
import { expect, test } from 'vitest';
import { find } from '../../src/rows/store.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { shownValues } from '../support/forms.ts';
import { useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

const names = async () => {
  const { rows } = await find(world.staging, entityNamed('form'), {
    search: '',
    filters: {},
    sort: { field: 'name', descending: false },
    limit: 10,
    offset: 0,
  });
  return rows.map((row) => row['name']);
};

test('a form posted twice with the same values adds one row (F14)', async () => {
  const page = shownValues((await ana.get('/catalog/form/new')).text);
  const first = await ana.post('/catalog/form', { ...page, name: 'First' });
  const again = await ana.post('/catalog/form', { ...page, name: 'First' });
  expect([again.status, again.headers['location']]).toEqual([303, first.headers['location']]);
  expect(await names()).toEqual(['First']);
});

test('a second post of a new row’s form with other values is refused, with a link to the row that the first post added (F14)', async () => {
  const page = shownValues((await ana.get('/catalog/form/new')).text);
  const first = await ana.post('/catalog/form', { ...page, name: 'First' });
  const back = await ana.post('/catalog/form', { ...page, name: 'Second', description: 'Typed' });
  expect(back.status).toBe(422);
  expect(back.text).toContain(`href="${first.headers['location']}"`);
  const typed = shownValues(back.text);
  expect(typed).toMatchObject({ name: 'Second', description: 'Typed' });
  expect(typed['idempotency_key']).not.toBe(page['idempotency_key']);
  expect((await ana.post('/catalog/form', typed)).status).toBe(303);
  expect(await names()).toEqual(['First', 'Second']);
});

test('a form whose first post added a row still warns of this row after another post with an invalid value (F14)', async () => {
  const page = shownValues((await ana.get('/catalog/form/new')).text);
  await ana.post('/catalog/form', { ...page, name: 'First' });
  const wrong = await ana.post('/catalog/form', { ...page, name: '' });
  expect(wrong.status).toBe(422);
  const other = await ana.post('/catalog/form', { ...shownValues(wrong.text), name: 'Second' });
  expect(other.status).toBe(422);
  const last = { ...shownValues(other.text), name: 'Second' };
  expect((await ana.post('/catalog/form', last)).status).toBe(303);
  expect(await names()).toEqual(['First', 'Second']);
});
