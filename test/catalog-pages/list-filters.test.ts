// Tests the filters of a list by status, by the day of the last change and by person, and their chips.
import { expect, test } from 'vitest';
import { sql, run } from '../../src/database/sql.ts';
import { collection } from '../../src/rows/mongo.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { remove } from '../../src/editing/deletions.ts';
import { add, change, ed, pm as manager, transfer, writeContextOf } from '../support/rows.ts';
import { textOf, useClient, useSite, type Client } from '../support/people.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

const titles = async (query: string) => {
  const { text } = await ana.get(`/catalog/${query}`).expect(200);
  return [...text.matchAll(/<th scope="row">\s*<a [^>]*>([^<]*)</g)].map(([, title]) => title);
};

test('a list can be filtered by several statuses at once, and the chip of a status removes only this status from the filter', async () => {
  const { staging } = world;
  const [same, changed] = [
    await add(staging, 'form', { name: 'Same' }),
    await add(staging, 'form', { name: 'Changed' }),
  ];
  await transfer(staging, [
    { entity: 'form', id: same },
    { entity: 'form', id: changed },
  ]);
  await change(staging, { entity: 'form', id: changed }, { description: 'Later' });
  await add(staging, 'form', { name: 'New one' });
  const query = 'form?status=New&status=Changed+here&sort=name';
  expect(await titles(query)).toEqual(['Changed', 'New one']);
  expect(await titles('form?status=In+sync')).toEqual(['Same']);
  const { text } = await ana.get(`/catalog/${query}`);
  expect(text).toContain('href="/catalog/form?status=Changed+here&amp;sort=name"');
  expect(textOf(text)).toContain('Clear filters');
});

test('the filter by the day of the last change uses the time zone of the person, for MySQL rows and for MongoDB documents', async () => {
  const { staging } = world;
  const business = await add(staging, 'business', { name: 'Late in the evening' });
  await run(
    staging.sql,
    sql`update business set modified_at = '2026-11-09 19:00:00.000' where id = ${business}`,
  );
  const form = await add(staging, 'form', { name: 'Late form' });
  await collection(staging.documents, entityNamed('form')).updateOne(
    { _id: form },
    { $set: { modified_at: new Date('2026-11-09T19:00:00.000Z') } },
  );
  const on = (day: string) => `modified_from=${day}&modified_to=${day}`;
  for (const entity of ['business', 'form']) {
    expect(await titles(`${entity}?${on('2026-11-09')}`)).toHaveLength(1);
    expect(await titles(`${entity}?${on('2026-11-10')}`)).toEqual([]);
  }
  await ana.post('/zone', { zone: 'Asia/Kolkata' });
  for (const entity of ['business', 'form']) {
    expect(await titles(`${entity}?${on('2026-11-10')}`)).toHaveLength(1);
    expect(await titles(`${entity}?${on('2026-11-09')}`)).toEqual([]);
  }
  const shown = textOf((await ana.get(`/catalog/business?${on('2026-11-10')}`)).text);
  expect(shown).toContain('From 10 Nov 2026');
  expect(shown).toContain('Days in the time zone Asia/Kolkata');
  expect(await titles('business?modified_from=2026-02-30')).toHaveLength(1);
});

test('the filter by who changed a row last finds the rows of one person, and offers everyone who changed a row', async () => {
  const { staging } = world;
  await add(staging, 'form', { name: 'By the manager' });
  await add(staging, 'form', { name: 'By the editor' }, ed);
  expect(await titles('form?changed_by=ed%40example.com')).toEqual(['By the editor']);
  const { text } = await ana.get('/catalog/form?changed_by=ed%40example.com');
  expect(text).toMatch(/<option value="ed@example.com" selected>/);
  expect(text).toMatch(/<option value="pm@example.com" *>/);
  expect(textOf(text)).toContain('Changed by ed');
});

/** Saves a view (filters and order) of the list of forms; returns the response. */
const saveView = (client: Client, query: string, body: Record<string, string>) =>
  client.post('/catalog/form/views', { query, ...body });
const viewOn = (html: string, name: string) =>
  new RegExp(`href="(/catalog/form/views/[^"]+)"[^>]*>\\s*${name}`).exec(html)?.[1] ?? '';

test('a person can open, rename and delete their own saved view of a list, which nobody else sees', async () => {
  const vic = await site.as('vic');
  await add(world.staging, 'form', { name: 'A "form" 🪔' });
  const list = await ana.get('/catalog/form?q=form&sort=name&unknown=1').expect(200);
  const fields = fieldsOn(list.text, 'action="/catalog/form/views"');
  expect(fields['query']).toBe('q=form&sort=name');
  const name = 'Mine "A" 🪔';
  expect((await ana.post('/catalog/form/views', { ...fields, name: ' ' })).status).toBe(422);
  const twice = await Promise.all(
    [1, 2].map(() => ana.post('/catalog/form/views', { ...fields, name })),
  );
  expect(twice.map(({ headers }) => headers['location'])).toEqual(
    Array.from({ length: 2 }, () => '/catalog/form?q=form&sort=name'),
  );
  const taken = await saveView(ana, 'q=other', { name });
  expect([
    taken.status,
    textOf(taken.text).includes('You have another view with this name.'),
  ]).toEqual([422, true]);
  expect(taken.text).toContain('value="other"');
  const href = viewOn((await ana.get('/catalog/form')).text, 'Mine');
  expect((await ana.get(href)).headers['location']).toBe('/catalog/form?q=form&sort=name');
  expect(viewOn((await vic.get('/catalog/form')).text, 'Mine')).toBe('');
  expect((await vic.get(href)).status).toBe(404);
  expect((await vic.post(`${href}/removal`)).status).toBe(409);
  const shown = fieldsOn(
    (await ana.get('/catalog/form?sort=name&q=form')).text,
    `action="${href}"`,
  );
  expect((await ana.post(href, { ...shown, name: 'Renamed' })).status).toBe(303);
  expect(viewOn((await ana.get('/catalog/form')).text, 'Renamed')).toBe(href);
  expect((await ana.post(`${href}/removal`)).status).toBe(303);
  expect((await ana.post(`${href}/removal`)).status).toBe(409);
  expect(viewOn((await ana.get('/catalog/form')).text, 'Renamed')).toBe('');
});

test('everybody sees a shared view of a list, only its owner can change it, and a viewer cannot share a view', async () => {
  const vic = await site.as('vic');
  await saveView(ana, 'tab=mine', { name: 'Shared', shared: 'yes' });
  const href = viewOn((await vic.get('/catalog/form')).text, 'Shared');
  expect((await vic.get(href)).headers['location']).toBe('/catalog/form?tab=mine');
  expect((await vic.post(href, { name: 'Taken over', query: 'tab=mine' })).status).toBe(409);
  expect((await saveView(vic, 'tab=mine', { name: 'Own', shared: 'yes' })).status).toBe(403);
  expect((await saveView(vic, 'tab=mine', { name: 'Own' })).status).toBe(303);
  expect(viewOn((await ana.get('/catalog/form')).text, 'Own')).toBe('');
});

test('opening a saved view names the filters that no longer exist, and a person can save at most 20 views of a list', async () => {
  for (let number = 1; number <= 20; number += 1) {
    expect((await saveView(ana, `q=${number}`, { name: `View ${number}` })).status).toBe(303);
  }
  const more = await saveView(ana, 'q=21', { name: 'View 21' });
  expect([more.status, textOf(more.text).includes('You have 20 views')]).toEqual([422, true]);
  await run(
    world.staging.sql,
    sql`update saved_view set query = 'q=1&colour=red&sort=former' where name = 'View 1'`,
  );
  const href = viewOn((await ana.get('/catalog/form')).text, 'View 1\\s*<');
  const { headers } = await ana.get(href);
  expect(headers['location']).toBe('/catalog/form?q=1');
  const { text } = await ana.get('/catalog/form?q=1');
  expect(textOf(text.replace('<body', '<main'))).toContain('no longer filters by colour, sort');
});

test('the tab of deleted rows in a list can be filtered by title or ID, person, day and status', async () => {
  const { staging } = world;
  const names = ['Café One', 'Cafe “two” 🪔', 'Other', 'Sent'];
  const ids: number[] = [];
  for (const name of names) ids.push(await add(staging, 'form', { name }));
  const form = entityNamed('form');
  const [, two = 0, other = 0, sent = 0] = ids;
  await transfer(staging, [{ entity: 'form', id: sent }]);
  for (const id of ids)
    await remove(writeContextOf(staging), id === other ? ed : manager, form, id);
  await run(
    staging.sql,
    sql`update row_state set deleted_at = '2026-11-09 19:00:00' where row_id = ${two}`,
  );
  const gone = (query: string) => titles(`form?tab=deleted&${query}`);
  expect(await gone('q=cafe')).toEqual(['Café One', 'Cafe “two” 🪔']);
  expect(await gone(`q=%23${other}`)).toEqual(['Other']);
  expect(await gone('changed_by=ed%40example.com')).toEqual(['Other']);
  expect(await gone('modified_from=2026-11-09&modified_to=2026-11-09')).toEqual(['Cafe “two” 🪔']);
  expect(await gone('status=Deleted+here')).toEqual(['Sent']);
  const { text } = await ana.get('/catalog/form?tab=deleted&q=nothing');
  expect(textOf(text)).toContain('No deleted forms match these filters.');
  expect(textOf((await ana.get('/catalog/form?tab=deleted')).text)).toContain('1–4 of 4');
});
