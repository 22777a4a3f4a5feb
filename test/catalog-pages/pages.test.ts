// Tests the catalogue’s pages as people use them: lists, row pages, deletions and concurrent edits.
import { v7 as uuid } from 'uuid';
import { describe, expect, test } from 'vitest';
import { sql } from '../../src/database/sql.ts';
import { textOf as fieldText } from '../../src/catalog/fields.ts';
import { hasImage, keepImage } from '../../src/storage/images.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { remove } from '../../src/editing/deletions.ts';
import { hold } from '../../src/transfers/hold.ts';
import {
  add,
  change,
  ed,
  get,
  has,
  writeContextOf,
  pm,
  transfer,
  version,
} from '../support/rows.ts';
import { picture } from '../support/images.ts';
import { openSite, textOf, useSite, useClient } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

const page = async (path: string, client = ana) =>
  textOf((await client.get(path).expect(200)).text);

const seenIn = (html: string) => /name="seen" value="([^"]+)"/.exec(html)?.[1] ?? '';
const confirmDeletion = async (address: string) =>
  ana.post(address, { seen: seenIn((await ana.get(address)).text) });

describe('S0-50 S0-51 S0-52 S0-53 S0-54 S0-07 URLs of the former admin tools, which Oneway replaces', () => {
  test.each([
    ['/admin_tools/business_admin/', '/catalog/business'],
    ['/admin_tools/business_task/422/', '/catalog/task?business=422'],
    ['/admin_tools/business_sts/422/', '/catalog/sts?business=422'],
    ['/admin_tools/add_form/', '/catalog/form'],
    ['/admin_tools/app_banner/', '/catalog/banner'],
  ])(
    'the URL %s of the former admin tools, which Oneway replaces, redirects to %s',
    async (former, now) => {
      const answer = await ana.get(former);
      expect([answer.status, answer.headers['location']]).toEqual([303, now]);
      await ana.get(now).expect(200);
    },
  );
});

describe('search, filters, tabs and statuses of catalogue lists', () => {
  test('a list of rows can be searched by text and ID and filtered by field, and a tab shows how many rows are ready to transfer', async () => {
    const business = await add(world.staging, 'business', { name: 'Kesar Wheels' });
    const cab = await add(world.staging, 'task', { business, title: 'Book a cab' });
    await add(world.staging, 'task', { business, title: 'Lost & found', active: false });
    expect(await page('/catalog/task?q=cab')).toContain('Book a cab');
    expect(await page('/catalog/task?q=cab')).not.toContain('Lost & found');
    expect(await page(`/catalog/task?q=%23${cab}`)).toContain('Book a cab');
    expect(await page('/catalog/task?active=no')).not.toContain('Book a cab');
    expect(await page('/catalog/task?q=100%25')).toContain('No tasks match these filters.');
    expect(await page('/catalog/task')).toContain('Ready to transfer 2');
    expect(await page('/catalog/task?business=999')).toContain('No tasks match these filters.');
  });

  test('the search of a list finds forms by any part of their name, even by special characters', async () => {
    await add(world.staging, 'form', { name: 'Address (new) [v2]' });
    expect(await page('/catalog/form?q=(new)%20%5B')).toContain('Address (new) [v2]');
    expect(await page('/catalog/form?q=.*')).toContain('No forms match');
  });

  test('a catalogue list with an unknown page, tab or sort order in its URL answers without an error', async () => {
    await add(world.staging, 'form');
    for (const query of [
      '?sort=name',
      '?sort=-name',
      '?sort=; drop',
      '?page=99',
      '?page=-1',
      '?tab=x',
      '?status=x',
      '?q[]=a',
    ]) {
      await ana.get(`/catalog/form${query}`).expect(200);
    }
    await ana.get('/catalog/person').expect(404);
    await ana.get('/catalog/task/abc').expect(404);
    await ana.get('/catalog/task/99999999999999999999').expect(404);
  });

  test('S0-30 S0-31 a filtered list offers to transfer exactly the rows that match its filters and are ready to transfer', async () => {
    const business = await add(world.staging, 'business');
    const tasks = [];
    for (const title of ['Cab one', 'Cab two', 'Flowers', 'Cab held']) {
      tasks.push(await add(world.staging, 'task', { business, title }));
    }
    await hold(world.staging, pm.email, { entity: 'task', id: tasks[3] ?? 0 }, null);
    const list = await page('/catalog/task?q=Cab');
    expect(list).toContain('Transfer the 2 ready found');
    expect(await page('/catalog/task?q=held')).not.toContain('Transfer the');
    const ready = { scope: 'ready', entity: 'task', query: 'q=Cab' };
    const chosen = await ana.post('/selections', ready);
    const sheet = textOf((await ana.get(chosen.headers['location'] ?? '')).text);
    expect(sheet).toContain('“Cab one”');
    expect(sheet).toContain('“Cab two”');
    expect(sheet).not.toContain('“Flowers”');
    expect(sheet).not.toContain('“Cab held”');
    const one = await ana.post('/selections', { scope: 'page', rows: [] });
    expect(one.status).toBe(422);
  });

  test('a catalogue list shows the last known statuses while the destination is unreachable', async () => {
    const key = { entity: 'form', id: await add(world.staging, 'form') };
    await transfer(world.staging, [key]);
    const down = await openSite(world, 'staging', { UNI_DIR_DESTINATION_SQL_DB_PORT: '1' });
    const text = await page('/catalog/form', await down.as('pm'));
    expect(text).toContain('Pre-production is not reachable.');
    expect(text).toContain('In sync');
    await down.close();
  });

  test('a row on hold (Not for production) keeps its status and is not ready to transfer, even while the destination is unreachable', async () => {
    const { staging } = world;
    const key = { entity: 'form', id: await add(staging, 'form', { name: 'Held form' }) };
    await transfer(staging, [key]);
    await change(staging, key, { description: 'Changed and held' });
    await hold(staging, pm.email, key, null);
    expect(await page('/catalog/form?status=In+sync')).not.toContain('Held form');
    expect(await page('/catalog/form?tab=held&status=Changed+here')).toContain('Held form');
    expect(await page('/catalog/form?tab=ready')).not.toContain('Held form');
    expect(await page('/catalog/form?page=99')).toContain('Held form');
    const down = await openSite(world, 'staging', { UNI_DIR_DESTINATION_SQL_DB_PORT: '1' });
    const client = await down.as('pm');
    for (const address of ['/catalog/form?q=Held', `/catalog/form/${key.id}`]) {
      expect(await page(address, client)).toContain('Changed here');
    }
    await down.close();
  });
});

describe('pages that show, add, edit and delete a row', () => {
  test('S0-03 S0-24 a product manager can add a row, and an error message names the wrong field and how to correct it', async () => {
    const wrong = await ana.post('/catalog/business', {
      name: '',
      description: 'Kept “as typed” 🪔',
    });
    expect(wrong.status).toBe(422);
    expect(textOf(wrong.text)).toContain('There is a problem');
    expect(textOf(wrong.text)).toContain('Enter a name');
    expect(wrong.text).toContain('Kept “as typed” 🪔');
    const added = await ana.post('/catalog/business', {
      name: 'Kesar',
      category: 'Travel',
      priority: '5',
    });
    expect(added.headers['location']).toBe('/catalog/business/1');
    const twice = await ana.post('/catalog/business', {
      name: 'Kesar',
      category: 'Travel',
      priority: '5',
    });
    expect(textOf(twice.text)).toContain('Name must be different from the name of business 1');
  });

  test('a form for a new row that is posted twice adds one row', async () => {
    const body = { name: 'Address change', idempotency_key: uuid() };
    const first = await ana.post('/catalog/form', body);
    await ana.post('/catalog/form', body);
    expect(first.headers['location']).toBe('/catalog/form/1');
    expect(await has(world.staging, { entity: 'form', id: 2 })).toBe(false);
  });

  test('a row with a reference to a missing row or with an unknown city is refused with an explanation', async () => {
    const answer = await ana.post('/catalog/task', {
      title: 'A',
      business: '#77',
      'cities[0][city]': 'Atlantis',
      priority: '1',
    });
    expect(answer.status).toBe(422);
    expect(textOf(answer.text)).toContain('there is no business 77');
    expect(textOf(answer.text)).toContain('“Atlantis” is not one');
  });

  test('typed values are escaped on pages, never rendered as markup', async () => {
    const name = '<script>alert(1)</script>"\'><img src=x>';
    const id = await add(world.staging, 'form', { name });
    for (const path of [`/catalog/form/${id}`, '/catalog/form', `/catalog/form/${id}/history`]) {
      expect((await ana.get(path)).text).not.toContain('<script>alert');
    }
  });

  test('S0-90 deleting a row lists the dependent rows that go with it, and is refused while other rows refer to the row', async () => {
    const { staging } = world;
    const form = await add(staging, 'form', { name: 'Visit details' });
    await add(staging, 'form_field', { form, label: 'Date of birth' });
    const business = await add(staging, 'business');
    const task = await add(staging, 'task', { business, form, title: 'Book a visit' });
    expect(await page(`/catalog/form/${form}/deletion`)).toContain('Still in use');
    expect((await ana.post(`/catalog/form/${form}/deletion`)).status).toBe(409);
    await confirmDeletion(`/catalog/task/${task}/deletion`);
    expect(await page(`/catalog/form/${form}/deletion`)).toContain('Delete form and 1 form field');
    await confirmDeletion(`/catalog/form/${form}/deletion`);
    const deleted = await page('/catalog/form?tab=deleted');
    expect(deleted).toContain('Visit details');
    expect(deleted).toContain('Deletions are transferred like any change');
    await ana.get(`/catalog/form/${form}`).expect(303);
    expect(await page(`/catalog/form/${form}/history`)).toContain('It was deleted here');
  });

  test('the deletion of a row is refused when a dependent row was added after the confirmation page was shown', async () => {
    const { staging } = world;
    const form = await add(staging, 'form', { name: 'Visit details' });
    const address = `/catalog/form/${form}/deletion`;
    const { text } = await ana.get(address);
    await add(staging, 'form_field', { form, label: 'Somebody’s new field', type: 'text' });
    const late = await ana.post(address, { seen: seenIn(text) });
    expect([late.status, late.headers['location']]).toEqual([303, address]);
    expect(await page(address)).toContain('This row has changed. Review it again.');
    expect(await has(staging, { entity: 'form', id: form })).toBe(true);
    await confirmDeletion(address);
    expect(await has(staging, { entity: 'form', id: form })).toBe(false);
  });

  test('the history of a row shows each value before and after a change, and the changes of its dependent rows', async () => {
    const form = await add(world.staging, 'form', { name: 'Old name' });
    const field = await add(world.staging, 'form_field', { form, label: 'Old label' });
    await change(world.staging, { entity: 'form', id: form }, { name: 'New name' });
    await change(world.staging, { entity: 'form_field', id: field }, { label: 'New label' }, ed);
    const text = await page(`/catalog/form/${form}/history`);
    expect(text).toContain('Name Old name New name');
    expect(text).toContain('Label Old label New label');
    expect(text).toContain('ed@example.com changed');
  });

  test('a city cannot be renamed while rows use it, because environments find cities by name', async () => {
    await add(world.staging, 'city', { name: 'Pune' });
    await add(world.staging, 'business', { cities: [{ city: 'Pune', partner: null }] });
    const answer = await ana.post('/catalog/city/1', { name: 'Poona', version: 1 });
    expect(answer.status).toBe(422);
    expect(textOf(answer.text)).toContain('1 rows use it');
  });
});

describe('two users who edit the same row at the same time', () => {
  test('a user who saves a field that another user has just changed gets a 409 with both values, and the chosen value is saved', async () => {
    const { staging } = world;
    const key = {
      entity: 'form',
      id: await add(staging, 'form', { name: 'A', description: 'First' }),
    };
    const opened = await version(staging, key);
    await change(staging, key, { description: 'Theirs' }, ed);
    const answer = await ana.post(`/catalog/form/${key.id}`, {
      name: 'A, renamed',
      description: 'Mine',
      version: opened,
    });
    expect(answer.status).toBe(409);
    expect(textOf(answer.text)).toContain('ed@example.com saved this form while you were editing');
    expect(textOf(answer.text)).toContain('Theirs');
    expect(textOf(answer.text)).toContain('Mine');
    const payload = /name="payload" value="([^"]+)"/.exec(answer.text)?.[1] ?? '';
    const saved = await ana.post(`/catalog/form/${key.id}/resolution`, {
      payload: payload.replaceAll('&#34;', '"').replaceAll('&amp;', '&'),
      choice_description: 'theirs',
    });
    expect(saved.status).toBe(303);
    expect(await get(staging, key)).toMatchObject({ name: 'A, renamed', description: 'Theirs' });
  });

  test('a save that keeps what another user changed in another field says whose change of which field it keeps', async () => {
    const { staging } = world;
    const key = { entity: 'form', id: await add(staging, 'form', { name: 'Visit “A” 🪔' }) };
    const opened = await version(staging, key);
    await change(staging, key, { description: 'Theirs' }, ed);
    const saved = await ana.post(`/catalog/form/${key.id}`, {
      name: 'Mine',
      description: '',
      version: opened,
    });
    expect(saved.status).toBe(303);
    expect(await get(staging, key)).toMatchObject({ name: 'Mine', description: 'Theirs' });
    const shown = textOf((await ana.get(`/catalog/form/${key.id}`)).text);
    expect(shown).toContain(
      'Form saved. Kept in “Visit “A” 🪔”: Description, changed by ed@example.com meanwhile.',
    );
    const again = { name: 'Mine', description: 'Theirs', version: await version(staging, key) };
    await ana.post(`/catalog/form/${key.id}`, again);
    expect(textOf((await ana.get(`/catalog/form/${key.id}`)).text)).not.toContain('meanwhile');
  });

  test('the page of an edit conflict shows pictures, names of rows and times as other pages do', async () => {
    const { staging } = world;
    const image = async () => keepImage(staging.storage, 'image', await picture());
    const [before, theirs, mine] = [await image(), await image(), await image()];
    const [care, cabs] = [
      await add(staging, 'business', { name: 'Kesar Care' }),
      await add(staging, 'business', { name: 'Metro Cabs' }),
    ];
    const key = { entity: 'banner', id: await add(staging, 'banner', { image: before }) };
    const opened = await version(staging, key);
    const start = '2026-11-30T09:00:00.000Z';
    await change(staging, key, { image: theirs, business: care, start });
    const answer = await ana.post(`/catalog/banner/${key.id}`, {
      image: mine,
      business: `#${cabs}`,
      start: '2026-12-01T09:00',
      version: opened,
    });
    expect(answer.status).toBe(409);
    expect(answer.text).toContain(`<img class="object" src="/objects/${theirs}"`);
    expect(answer.text).toContain(`<img class="object" src="/objects/${mine}"`);
    expect(answer.text).toContain(`<a href="/catalog/business/${care}">Kesar Care</a>`);
    expect(answer.text).toContain(`<a href="/catalog/business/${cabs}">Metro Cabs</a>`);
    expect(answer.text).toContain('<time datetime="2026-11-30T09:00:00.000Z"');
    expect(textOf(answer.text)).toContain('1 Dec 2026, 09:00 UTC');
  });

  test('the hidden fields of the edit conflict page are validated like typed values', async () => {
    const id = await add(world.staging, 'form');
    const version = { text: '(select 1)', values: [] };
    const payload = JSON.stringify({ theirs: {}, mine: {}, merged: {}, fields: [], version });
    const answer = await ana.post(`/catalog/form/${id}/resolution`, { payload });
    expect(answer.status).toBe(422);
    expect(() => sql`select ${version}`).toThrow('no value for SQL');
  });

  test('two people who edit different fields of a row can both save, one after the other', async () => {
    const { staging } = world;
    const key = {
      entity: 'form',
      id: await add(staging, 'form', { name: 'A', description: 'First' }),
    };
    const opened = await version(staging, key);
    await change(staging, key, { description: 'Theirs' }, ed);
    const answer = await ana.post(`/catalog/form/${key.id}`, {
      name: 'Mine',
      description: 'First',
      version: opened,
    });
    expect(answer.status).toBe(303);
    expect(await get(staging, key)).toMatchObject({ name: 'Mine', description: 'Theirs' });
  });

  test('when two users save the same row at the same time, one save succeeds and the other is reported as a conflict', async () => {
    const { staging } = world;
    const key = { entity: 'form', id: await add(staging, 'form', { description: 'First' }) };
    const ends = await Promise.allSettled([
      change(staging, key, { description: 'One' }, pm),
      change(staging, key, { description: 'Two' }, ed),
    ]);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(['One', 'Two']).toContain((await get(staging, key))['description']);
  });
});

describe('S0-91 icons of businesses', () => {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );

  test('the icon of a business is stored under the digest (SHA-256) of its content, and transferred with the business', async () => {
    const { staging, preprod } = world;
    const token =
      /name="csrf" value="([^"]+)"/.exec((await ana.get('/catalog/business/new')).text)?.[1] ?? '';
    const { default: request } = await import('supertest');
    const agent = request.agent(site.app);
    const start = /name="csrf" value="([^"]+)"/.exec((await agent.get('/sign-in')).text)?.[1] ?? '';
    await agent
      .post('/sign-in')
      .type('form')
      .send({ email: 'pm@example.com', password: 'correct horse battery', csrf: start });
    const csrf =
      /name="csrf" value="([^"]+)"/.exec((await agent.get('/catalog/business/new')).text)?.[1] ??
      token;
    const post = (content: Buffer, name: string) =>
      agent
        .post('/catalog/business')
        .field({ csrf, name, category: 'Food', priority: '1' })
        .attach('icon', content, 'icon.png');
    const refused = await post(Buffer.from('<svg onload=alert(1)>'), 'Bad icon');
    expect(textOf(refused.text)).toContain('Choose a PNG, JPEG, GIF or WebP image');
    const large = await post(Buffer.alloc(3 * 1024 * 1024), 'Large icon');
    expect(textOf(large.text)).toContain('Choose an image of 2 MB or less');
    expect(large.text).toContain('value="Large icon"');
    await post(png, 'Good icon').expect(303);
    const row = await get(staging, { entity: 'business', id: 1 });
    const name = fieldText(row['icon']);
    expect(name).toMatch(/^[0-9a-f]{64}\.png$/);
    const shown = await ana.get(`/objects/${name}`).expect(200);
    expect(shown.headers['content-type']).toBe('image/png');
    expect(await hasImage(preprod.storage, name)).toBe(false);
    await transfer(staging, [{ entity: 'business', id: 1 }]);
    expect(await hasImage(preprod.storage, name)).toBe(true);
  });
});

test('S0-22 S0-43 only product managers see the transfer button, and nobody sees edit controls in pre-production', async () => {
  const key = { entity: 'form', id: await add(world.staging, 'form') };
  await transfer(world.staging, [key]);
  const editor = await site.as('ed');
  expect((await ana.get(`/catalog/form/${key.id}`)).text).toContain('Transfer…');
  expect((await editor.get(`/catalog/form/${key.id}`)).text).not.toContain('Transfer…');
  expect((await editor.get('/catalog/form')).text).not.toContain('Transfer ticked');
  const above = await openSite(world, 'preprod');
  const main =
    (
      (await (await above.as('pm')).get(`/catalog/form/${key.id}`)).text.split('<main')[1] ?? ''
    ).split('</main>')[0] ?? '';
  expect(main).toContain('Transfer…');
  expect(main).not.toMatch(/<textarea|<select|name="description"|Save/);
  await above.close();
});

test('saving a row that another user has deleted meanwhile keeps the typed values and offers to add them as a new row', async () => {
  const form = { entity: 'form', id: await add(world.staging, 'form', { name: 'Visit details' }) };
  const client = ana;
  await remove(writeContextOf(world.staging), pm, entityNamed('form'), form.id);
  const typed = { name: 'Visit details', description: 'Half an hour of typing', version: 1 };
  const answer = await client.post(`/catalog/form/${form.id}`, typed);
  expect(answer.status).toBe(409);
  expect(textOf(answer.text)).toContain('was deleted while you were editing');
  expect(answer.text).toContain('Half an hour of typing');
  expect((await client.get(`/catalog/form/${form.id}`)).headers['location']).toBe(
    `/catalog/form/${form.id}/history`,
  );
});

test('a save that fails because another request writes the row keeps the typed values, and succeeds when repeated', async () => {
  const { staging } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { name: 'Visit details' }) };
  const address = `/catalog/form/${form.id}`;
  const typed = { name: 'Visit details', description: 'Half an hour of typing', version: 1 };
  const claim = ['form', form.id, 'another', 'write', 7, 'staging', 1, 0, 'ed@example.com'];
  await staging.sql.query(
    `insert into claim (entity, row_id, transfer, mode, number, origin, fence, connection, person, since)
     values (?, utc_timestamp(3))`,
    [claim],
  );
  const refused = await ana.post(address, typed);
  expect(refused.status).toBe(409);
  expect(refused.text).toContain('Half an hour of typing');
  expect(textOf(refused.text)).toContain('Nothing was saved.');
  await staging.sql.query('delete from claim');
  expect((await ana.post(address, typed)).status).toBe(303);
  expect(await get(staging, form)).toMatchObject({ description: 'Half an hour of typing' });
});

test('only a product manager can give a row a new ID, and only if the destination may have a different row with the same ID', async () => {
  const form = { entity: 'form', id: await add(world.staging, 'form') };
  const editor = await site.as('ed');
  expect((await editor.post(`/catalog/form/${form.id}/identity`)).status).toBe(403);
  expect((await ana.post(`/catalog/form/${form.id}/identity`)).status).toBe(409);
});
