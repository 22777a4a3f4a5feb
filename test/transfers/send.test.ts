// A product manager opens the transfer sheet and sends it, through requests to the pages.
import { describe, expect, test } from 'vitest';
import { v4 as uuid } from 'uuid';
import { keyText } from '../../src/catalog/entity.ts';
import { byNumber } from '../../src/writing/journal.ts';
import { add, change, ed, get, has, transfer, undo, contentFor } from '../support/rows.ts';
import {
  openSite,
  textOf,
  useSite,
  useClient,
  type Client,
  refusalsOn,
} from '../support/people.ts';
import { fieldsOn } from '../support/shown-form.ts';
import * as selections from '../../src/sheet/selections.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

/** Selects rows and opens their transfer sheet. */
async function open(client: Client, ...rows: string[]) {
  const chosen = await client.post('/selections', { rows });
  const address = chosen.headers['location'] ?? '';
  return openSheet(client, address);
}

async function openSheet(client: Client, address: string) {
  const { text } = await client.get(address).expect(200);
  const hidden = (name: string) =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
  const click = { selection: hidden('selection'), plan: hidden('plan'), idempotency_key: uuid() };
  return { address, text: textOf(text), click };
}

test('S0-14 S0-33 S0-34 S0-35 S0-36 S0-37 a product manager sends a task: a new task is inserted, a changed task is updated in every column', async () => {
  const { staging, preprod } = world;
  const business = await add(staging, 'business');
  const id = await add(staging, 'task', { business, title: 'Book a visit', priority: 3 });
  const first = await open(ana, `task:${id}`);
  expect(first.text).toContain('Transfer 2 rows to pre-production');
  const sent = await ana.post('/transfers', first.click);
  expect(textOf((await ana.get(sent.headers['location'] ?? '')).text)).toContain(
    '2 rows transferred to pre-production.',
  );
  const key = { entity: 'task', id };
  // A stored 2 reads as true, like 1, so only a transfer that writes every column replaces the 2.
  await preprod.sql.query('update task set active = 2');
  await change(staging, key, {
    title: 'Book a visit today',
    message: 'Hello',
    priority: 4,
  });
  const second = await open(ana, `task:${id}`);
  expect(second.text).toContain('Title, Message, Priority change');
  await ana.post('/transfers', second.click);
  const { modified_at: _here, ...here } = await get(staging, key);
  const { modified_at: _there, ...there } = await get(preprod, key);
  expect(there).toEqual(here);
  const [lines] = await preprod.sql.query('select active from task');
  expect(lines).toEqual([{ active: 1 }]);
});

test('the page of a transfer lists the written rows, and hides unchanged rows in a section that can be opened', async () => {
  const { staging } = world;
  const form = await add(staging, 'form', { name: 'Visit' });
  const fields = ['One', 'Two'].map((label, at) => ({ form, label, order: at + 1 }));
  for (const field of fields) await add(staging, 'form_field', field);
  await transfer(staging, [{ entity: 'form', id: form }]);
  await change(staging, { entity: 'form', id: form }, { description: 'Newer' });
  const { number } = await transfer(staging, [{ entity: 'form', id: form }]);
  const page = (await ana.get(`/transfers/${number}`).expect(200)).text;
  expect(textOf(page)).toContain('2 rows unchanged and skipped');
  const [listed = '', folded = ''] = page.split('<details class="pad">');
  expect([listed.includes('>Visit</a>'), listed.includes('>One</a>')]).toEqual([true, false]);
  expect(folded).toContain('>One</a>');
});

test('the button of the page Pending selects all rows that are ready to transfer, and with a filter only the matching rows', async () => {
  const { staging } = world;
  const form = await add(staging, 'form', { name: 'Visit' });
  const other = await add(staging, 'form', { name: 'Order' });
  const business = await add(staging, 'business', { name: 'Shop' });
  await add(staging, 'form', { name: 'Engineering' }, ed);
  const rowsOn = async (query: string) => {
    const { text } = await ana.get(`/pending${query}`).expect(200);
    const fields = fieldsOn(text.split('id="ready"')[1] ?? '', 'action="/selections"');
    expect(fields['scope']).toBe('pending');
    const { location } = (await ana.post('/selections', fields)).headers;
    return (await selections.find(staging.sql, (location ?? '').split('/')[2] ?? '')).keys
      .map(keyText)
      .toSorted();
  };
  const forms = [`form:${form}`, `form:${other}`].toSorted();
  expect(await rowsOn('')).toEqual([`business:${business}`, ...forms]);
  expect(await rowsOn('?entity=form')).toEqual(forms);
});

test('the page Arrived shows how many of the rows that were sent on to the next environment have been undone there', async () => {
  const { staging, preprod } = world;
  const keys = [];
  for (const name of ['First', 'Second', 'Third']) {
    keys.push({ entity: 'form', id: await add(staging, 'form', { name }) });
  }
  const { id } = await transfer(staging, keys);
  const above = await openSite(world, 'preprod');
  const pm = await above.as('pm');
  const chosen = await pm.post(`/arrivals/${id}/selection`, { rows: keys.map(keyText) });
  const { click } = await openSheet(pm, chosen.headers['location'] ?? '');
  const answer = await pm.post('/transfers', { ...click, reason: 'Launch' });
  const number = Number(answer.headers['location']?.split('/').at(-1));
  const sent = await byNumber(preprod.sql, number);
  if (!sent) throw new Error(`There is no transfer ${number}.`);
  const shown = async () => textOf((await pm.get('/arrivals').expect(200)).text);
  expect(await shown()).not.toContain('undone');
  const back = await undo(preprod, sent, keys.slice(0, 1));
  expect(await shown()).toContain('1 of 3 undone by');
  const transfers = (await pm.get('/transfers').expect(200)).text;
  expect(transfers).toContain(`<a href="/transfers/${back.number}">1 of 3 undone</a>`);
  await undo(preprod, sent, keys.slice(1));
  expect(await shown()).toContain(`transfer ${number} , undone by`);
  const row = textOf((await ana.get(`/catalog/form/${keys[0]?.id}`).expect(200)).text);
  expect(row).toMatch(/as pre-production last saw it. Undone there by pm, .*: It was too early/);
  const listed = (await pm.get('/transfers').expect(200)).text;
  expect(textOf(listed)).toMatch(/ 3 Undone pm /);
  expect(textOf((await pm.get('/').expect(200)).text)).toContain('Undone');
  await above.close();
});

test('S0-15 S0-32 a product manager sends arrived rows from pre-production on to production, and must enter a visible reason (F2)', async () => {
  const { staging, preprod, production } = world;
  const key = { entity: 'form', id: await add(staging, 'form', { name: 'Address change' }) };
  await transfer(staging, [key]);
  const above = await openSite(world, 'preprod');
  const pm = await above.as('pm');
  const page = await pm.get('/arrivals').expect(200);
  expect(textOf(page.text)).toContain('Address change');
  const path = /action="(\/arrivals\/[^"]+\/selection)"/.exec(page.text)?.[1] ?? '';
  expect((await pm.post(path)).status).toBe(422);
  const chosen = await pm.post(path, { rows: [`form:${key.id}`] });
  const { click } = await openSheet(pm, chosen.headers['location'] ?? '');
  for (const reason of ['', ' ', '\u200B', '\u2060\u00AD\u202E']) {
    const without = await pm.post('/transfers', { ...click, idempotency_key: uuid(), reason });
    expect([without.status, refusalsOn(without.text)]).toEqual([422, ['reason-missing']]);
  }
  const sent = await pm.post('/transfers', { ...click, idempotency_key: uuid(), reason: 'Launch' });
  expect(sent.status).toBe(303);
  expect((await get(production, key))['name']).toBe('Address change');
  const [arrivals] = await production.sql.query('select chain from arrival');
  expect((arrivals as { chain: string }[])[0]?.chain).toMatch(/^\["[0-9a-f-]{36}"\]$/);
  expect(preprod.name).toBe('preprod');
  await above.close();
});

test('S0-05 S0-10 S0-12 rows are transferred only along one route: from staging to pre-production to production', async () => {
  const production = await openSite(world, 'production');
  const pm = await production.as('pm');
  expect((await pm.post('/selections', { rows: ['task:1'] })).status).toBe(403);
  expect((await pm.post('/transfers', {})).status).toBe(403);
  expect(world.staging.destination?.name).toBe('preprod');
  expect(world.preprod.destination?.name).toBe('production');
  expect(world.production.destination).toBeNull();
  await production.close();
});

test('S0-95 a transfer writes to the destination of its environment: from staging to pre-production, from pre-production to production', async () => {
  const { staging, preprod, production } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  const { text } = await open(ana, `form:${key.id}`);
  expect(text).toContain('Transfer to pre-production');
  await transfer(staging, [key]);
  expect([await has(preprod, key), await has(production, key)]).toEqual([true, false]);
  const above = await openSite(world, 'preprod');
  const sheet = await open(await above.as('pm'), `form:${key.id}`);
  expect(sheet.text).toContain('Transfer to production');
  await transfer(preprod, [key]);
  expect(await has(production, key)).toBe(true);
});

test('S0-21 S0-23 a transfer by a person who is not a product manager is refused and writes nothing', async () => {
  const id = await add(world.staging, 'form');
  const { click } = await open(ana, `form:${id}`);
  for (const role of ['ed', 'vic', 'ops', 'oncall']) {
    const client = await site.as(role);
    expect((await client.post('/transfers', click)).status).toBe(403);
    expect((await client.post('/selections', { rows: [`form:${id}`] })).status).toBe(403);
  }
  expect(await has(world.preprod, { entity: 'form', id })).toBe(false);
});

test('S0-23 S0-99 the transfer sheet shows an engineer’s change, a product manager can send the row after adopting it, and the page of the row compares it only once', async () => {
  const id = await add(world.staging, 'form', { name: 'Address change' });
  await change(world.staging, { entity: 'form', id }, { description: 'Debug' }, ed);
  const { text, address } = await open(ana, `form:${id}`);
  expect(text).toContain('was changed by an engineer (ed@example.com): Description');
  const seen = /name="seen" value="([^"]+)"/.exec((await ana.get(address)).text)?.[1];
  const shown = textOf((await ana.get(`/catalog/form/${id}`)).text);
  expect(shown).toMatch(
    /Compare with pre-production: 1 row is only in staging.*Adopt this content/,
  );
  const adopted = await ana.post(`/catalog/form/${id}/adoption`, { seen, return: address });
  expect(adopted.headers['location']).toBe(address);
  const { click } = await open(ana, `form:${id}`);
  expect((await ana.post('/transfers', click)).status).toBe(303);
  expect(textOf((await ana.get('/audit')).text)).toContain('adopted');
  await change(world.staging, { entity: 'form', id }, { description: 'Again' }, ed);
  await change(world.preprod, { entity: 'form', id }, { description: 'Other' });
  const both = textOf((await ana.get(`/catalog/form/${id}`)).text);
  expect(both).toContain('Adopt this content');
  expect(both.match(/Compare with pre-production: 1 field differs/g)).toHaveLength(1);
  const numbers = Array.from({ length: 60 }, (_one, index) => index + 1);
  await world.staging.documents.collection<{ _id: number }>('form_field').insertMany(
    numbers.map((number) => ({
      _id: 90_000 + number,
      modified_at: new Date('2026-11-01'),
      ...contentFor('form_field', { form: id, label: `Field ${number}`, order: number }),
    })),
  );
  const many = textOf((await ana.get(`/catalog/form/${id}`)).text);
  expect(many).toContain(
    'Compare with pre-production: 1 field differs, 60 rows are only in staging',
  );
  expect(many).toContain('and 11 more rows that differ');
});

describe('opening and sending the transfer sheet', () => {
  test('when a row changed after the transfer sheet was shown, sending it answers 409 with a new sheet that keeps the typed values', async () => {
    const id = await add(world.staging, 'form');
    const { click } = await open(ana, `form:${id}`);
    await change(world.staging, { entity: 'form', id }, { description: 'Later' });
    const answer = await ana.post('/transfers', { ...click, name: 'Autumn', reason: 'Because' });
    expect(answer.status).toBe(409);
    expect(textOf(answer.text)).toContain('Something changed since you opened this page.');
    expect(answer.text).toContain('value="Autumn"');
    expect(answer.text).toContain('Later');
    expect(await has(world.preprod, { entity: 'form', id })).toBe(false);
  });

  test('the transfer sheet of a form and one of its tasks offers the other task of the form and the banner of the task, each once', async () => {
    const { staging } = world;
    const form = await add(staging, 'form', { name: 'Visit' });
    const business = await add(staging, 'business');
    const task = await add(staging, 'task', { business, form, title: 'Book a visit' });
    await add(staging, 'task', { business, form, title: 'Cancel a visit' });
    await add(staging, 'banner', { task });
    const { text } = await open(ana, `form:${form}`, `task:${task}`);
    expect(text).toContain('Also with “Visit”: 1 task new or changed');
    expect(text).toContain('Also with “Book a visit”: 1 banner new or changed');
  });

  test('the transfer sheet of a business offers its tasks with pending changes, and adds the tasks that the user ticks', async () => {
    const { staging, preprod } = world;
    const business = await add(staging, 'business', { name: 'Kesar' });
    const tasks = [];
    for (let one = 0; one < 3; one += 1) tasks.push(await add(staging, 'task', { business }));
    const { text, address } = await open(ana, `business:${business}`);
    expect(text).toContain('Also under “Kesar”: 3 tasks new or changed');
    await ana.post(`${address}/choices`, { add: tasks.map((id) => `task:${id}`).join(' ') });
    const fresh = textOf((await ana.get(address)).text);
    expect(fresh).toContain('Transfer 4 rows to pre-production');
    expect(await has(preprod, { entity: 'business', id: business })).toBe(false);
  });

  test('the transfer sheet of a task offers its changed form, and the sheet of a form counts the tasks at the destination that use it', async () => {
    const { staging } = world;
    const business = await add(staging, 'business');
    const form = await add(staging, 'form', { name: 'Visit details' });
    const one = await add(staging, 'task', { business, form, title: 'One' });
    await add(staging, 'task', { business, form, title: 'Two' });
    await transfer(staging, [{ entity: 'task', id: one }]);
    await change(staging, { entity: 'form', id: form }, { description: 'Newer' });
    await change(staging, { entity: 'task', id: one }, { title: 'One, newer' });
    const { text } = await open(ana, `task:${one}`);
    expect(text).toContain(
      'Also send form “Visit details”: it is there, but differs (Changed here)',
    );
    const affected = await open(ana, `form:${form}`);
    expect(affected.text).toContain('Form “Visit details” is also used there by 1 task');
  });

  test('the transfer sheet lists rows that are equal at the destination as unchanged, and sends such rows only if the user asks for it', async () => {
    const id = await add(world.staging, 'form');
    await transfer(world.staging, [{ entity: 'form', id }]);
    const { text, click } = await open(ana, `form:${id}`);
    expect(text).toContain('There is nothing to send');
    const nothing = await ana.post('/transfers', click);
    expect([nothing.status, refusalsOn(nothing.text)]).toEqual([422, ['nothing-to-do']]);
    const before = await get(world.preprod, { entity: 'form', id });
    const again = await open(ana, `form:${id}`);
    const resent = await ana.post('/transfers', { ...again.click, resend: 'yes' });
    expect(resent.headers['location']).toBe(again.address);
    const asked = await ana.get(again.address);
    const plan = /name="plan" value="([^"]*)"/.exec(asked.text)?.[1] ?? '';
    const sent = await ana.post('/transfers', {
      ...again.click,
      plan,
      idempotency_key: uuid(),
      resend: 'yes',
    });
    expect(sent.status).toBe(303);
    const after = await get(world.preprod, { entity: 'form', id });
    expect(after.modified_at > before.modified_at).toBe(true);
  });

  test('a double click on the transfer button sends one transfer', async () => {
    const id = await add(world.staging, 'form');
    const { click } = await open(ana, `form:${id}`);
    const answers = await Promise.all([
      ana.post('/transfers', click),
      ana.post('/transfers', click),
    ]);
    const [one, other] = answers.map((answer) => answer.headers['location']);
    expect(one).toMatch(/^\/transfers\/\d+$/);
    expect(other).toBe(one);
  });

  test('a transfer does not send environment-specific fields, and keeps the values that the destination has', async () => {
    const { staging, preprod } = world;
    const business = await add(staging, 'business');
    const tool = await add(staging, 'external_tool', { business, key: 'staging-key' });
    await transfer(staging, [{ entity: 'business', id: business }]);
    const key = { entity: 'external_tool', id: tool };
    expect((await get(preprod, key))['key']).toBeNull();
    await preprod.sql.query("update external_tool set `key` = 'preprod-key'");
    await change(staging, key, { name: 'Calendar, renamed', key: 'other' });
    await transfer(staging, [{ entity: 'business', id: business }]);
    const [lines] = await preprod.sql.query('select name, `key` from external_tool');
    expect(lines).toEqual([{ name: 'Calendar, renamed', key: 'preprod-key' }]);
  });
});
