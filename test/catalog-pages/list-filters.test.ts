// Tests the filters of a list by status, by the day of the last change and by person, and their chips.
import { expect, test } from '@jest/globals';
import { sql, run } from '../../src/database/sql.ts';
import { collection } from '../../src/rows/mongo.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { add, change, ed, transfer } from '../support/rows.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

const titles = async (query: string) => {
  const { text } = await ana.get(`/catalog/${query}`).expect(200);
  return [...text.matchAll(/<th scope="row">\s*<a [^>]*>([^<]*)</g)].map(([, title]) => title);
};

test('a list is filtered by several statuses at once, and each has a chip that removes only it', async () => {
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

test('a list is filtered by the day of the last change, in the time zone of the person, for tables and documents alike', async () => {
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

test('a list is filtered by who changed a row last, and offers the people who did', async () => {
  const { staging } = world;
  await add(staging, 'form', { name: 'By the manager' });
  await add(staging, 'form', { name: 'By the editor' }, ed);
  expect(await titles('form?changed_by=ed%40example.com')).toEqual(['By the editor']);
  const { text } = await ana.get('/catalog/form?changed_by=ed%40example.com');
  expect(text).toMatch(/<option value="ed@example.com" selected>/);
  expect(text).toMatch(/<option value="pm@example.com" *>/);
  expect(textOf(text)).toContain('Changed by ed');
});
