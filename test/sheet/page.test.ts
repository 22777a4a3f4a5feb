// The pages of a transfer sheet: how its rows are listed, how the user’s choices are kept, and how it is sent.
import { expect, test } from 'vitest';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { textOf as fieldText } from '../../src/catalog/fields.ts';
import { purgeExpired } from '../../src/sheet/kept-selections.ts';
import * as selections from '../../src/sheet/selections.ts';
import { rename } from '../support/handovers.ts';
import { textOf, useSite, useClient, refusalsOn } from '../support/people.ts';
import { add, change, get, has, pm, transfer } from '../support/rows.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const client = useClient(site, 'pm');

const hidden = (html: string, name: string) =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
const open = async (address: string) => (await client.get(address).expect(200)).text;
const fieldsOfRemoval = async (address: string) =>
  fieldsOn(await open(`${address}/removal`), `action="${address}/removal"`);
const choose = async (rows: string[]) =>
  (await client.post('/selections', { rows })).headers['location'] ?? '';

test('the first page of a long transfer sheet lists the rows that overwrite a change at the destination', async () => {
  const { staging, preprod } = world;
  const business = await add(staging, 'business');
  await transfer(staging, [{ entity: 'business', id: business }]);
  const ids: number[] = [];
  for (let one = 1; one <= 205; one += 1) {
    ids.push(await add(staging, 'task', { business, title: `Row number ${one}.` }));
  }
  const last = { entity: 'task', id: ids.at(-1) ?? 0 };
  await transfer(staging, [last]);
  await change(staging, last, { title: 'Changed on this side' });
  await change(preprod, last, { title: 'Changed on that side' });
  const address = await choose(ids.map((id) => `task:${id}`));
  const first = textOf(await open(address));
  expect(first).toContain('1–200 of 205 changed rows; all of them are sent.');
  expect(first).toContain('Changed on that side');
  expect(first).not.toContain('Row number 204.');
  const second = textOf(await open(`${address}?page=2`));
  expect(second).toContain('201–205 of 205');
  expect(second).toContain('Row number 204.');
  expect(second).not.toContain('Changed on that side');
});

test('a transfer applies the choices that the user made on each page of its transfer sheet', async () => {
  const { staging, preprod } = world;
  const ids: number[] = [];
  const business = await add(staging, 'business');
  for (let one = 1; one <= 203; one += 1) ids.push(await add(staging, 'task', { business }));
  const keys = ids.map((id) => ({ entity: 'task', id }));
  await transfer(staging, keys);
  await staging.sql.query(`update task set title = concat(title, ' again'), priority = 9`);
  const address = await choose(ids.map((id) => `task:${id}`));
  const shown = hidden(await open(address), 'shown');
  const [kept = 0, left = 0] = [ids[0], ids[202]];
  const turned = await client.post(`${address}/choices`, {
    page: '1',
    turn: '2',
    shown,
    keep: `task:${kept}/priority`,
  });
  expect(turned.headers['location']).toBe(`${address}?page=2`);
  const second = await open(`${address}?page=2`);
  await client.post(`${address}/choices`, {
    page: '2',
    shown: hidden(second, 'shown'),
    leave: `task:${left}`,
  });
  const { choices, keys: going } = await selections.find(staging.sql, address.split('/')[2] ?? '');
  expect(choices.excludedFields).toEqual({ [`task:${kept}`]: ['priority'] });
  expect(going).toHaveLength(202);
  const sheet = await open(address);
  const sent = await client.post('/transfers', {
    selection: hidden(sheet, 'selection'),
    plan: hidden(sheet, 'plan'),
    idempotency_key: hidden(sheet, 'idempotency_key'),
    shown: hidden(sheet, 'shown'),
    keep: `task:${kept}/priority`,
  });
  const done = await open(sent.headers['location'] ?? '');
  expect(textOf(done)).toContain('202 rows transferred to pre-production.');
  expect(textOf(done)).toContain('1–200 of 202');
  expect(await get(preprod, { entity: 'task', id: kept })).toMatchObject({ priority: 0 });
  expect(await get(preprod, { entity: 'task', id: ids[1] ?? 0 })).toMatchObject({ priority: 9 });
  const untouched = await get(preprod, { entity: 'task', id: left });
  expect(fieldText(untouched['title'])).not.toContain('again');
});

test('when rows pass their unique names around in a circle, one checkbox adds all other rows of the circle to the transfer (F13)', async () => {
  const { staging, preprod } = world;
  const keys: RowKey[] = [];
  for (const name of ['Ann', 'Ben', 'Cem']) {
    keys.push({ entity: 'business', id: await add(staging, 'business', { name }) });
  }
  await transfer(staging, keys);
  await rename(staging, keys, ['Ben', 'Cem', 'Ann']);
  const [first, ...others] = keys.map(keyText);
  const address = await choose([first ?? '']);
  const sheet = await open(address);
  expect(textOf(sheet)).toContain('Send “Cem” and 1 more as they are in staging, too');
  const added = / name="add" value="([^"]*)"/.exec(sheet)?.[1] ?? '';
  expect(added.split(' ')).toEqual(others);
  await client.post(`${address}/choices`, { add: added });
  const whole = await open(address);
  await client.post('/transfers', {
    selection: hidden(whole, 'selection'),
    plan: hidden(whole, 'plan'),
    idempotency_key: hidden(whole, 'idempotency_key'),
  });
  const names = await Promise.all(keys.map(async (key) => (await get(preprod, key))['name']));
  expect(names).toEqual(['Ben', 'Cem', 'Ann']);
});

test('the transfer sheet names the form of each selected form field, and the user can remove single fields from the transfer', async () => {
  const { staging, preprod } = world;
  const form = await add(staging, 'form', { name: 'Visit details' });
  await transfer(staging, [{ entity: 'form', id: form }]);
  const fields: number[] = [];
  for (const label of ['Street', 'Floor']) {
    fields.push(await add(staging, 'form_field', { form, label, type: 'text' }));
  }
  const address = await choose(fields.map((id) => `form_field:${id}`));
  const html = await open(address);
  expect(textOf(html)).toContain('of form “Visit details”');
  expect(html).toContain(`name="leave" value="form_field:${fields[0]}"`);
  await client.post(`${address}/choices`, { leave: `form_field:${fields[0]}` });
  const sheet = await open(address);
  await client.post('/transfers', {
    selection: hidden(sheet, 'selection'),
    plan: hidden(sheet, 'plan'),
    idempotency_key: hidden(sheet, 'idempotency_key'),
  });
  expect(await has(preprod, { entity: 'form_field', id: fields[1] ?? 0 })).toBe(true);
  expect(await has(preprod, { entity: 'form_field', id: fields[0] ?? 0 })).toBe(false);
});

test('the user can remove a form from the transfer sheet although only a field of the form changed', async () => {
  const { staging } = world;
  const forms: number[] = [];
  for (const name of ['Visit details', 'Address change']) {
    forms.push(await add(staging, 'form', { name }));
  }
  await transfer(
    staging,
    forms.map((id) => ({ entity: 'form', id })),
  );
  await add(staging, 'form_field', { form: forms[0] ?? 0, label: 'Street', type: 'text' });
  await change(staging, { entity: 'form', id: forms[1] ?? 0 }, { description: 'Newer' });
  const html = await open(await choose(forms.map((id) => `form:${id}`)));
  for (const id of forms) expect(html).toContain(`name="leave" value="form:${id}"`);
});

test('excluding the same fields in another order on a transfer sheet does not count as a changed selection', async () => {
  const kept = { 'task:1': ['priority'], 'task:2': ['title'] };
  const turned = { 'task:2': ['title'], 'task:1': ['priority'] };
  const draft = selections.draft(pm.email, { keys: [{ entity: 'task', id: 1 }] });
  const goes = (own: typeof kept) =>
    selections.fingerprint({ ...draft, choices: { ...draft.choices, excludedFields: own } });
  expect(goes(kept)).toBe(goes(turned));
});

test('a forged request to restore a city from production is refused, because each environment has its own cities', async () => {
  const answer = await client.post('/restores/choice', { entity: 'city', id: '1' });
  expect(answer.status).toBe(422);
  expect(textOf(answer.text)).toContain('belong to their environment');
});

test('sending a transfer sheet again from a second tab is refused, and the page names the transfer that was already sent', async () => {
  const id = await add(world.staging, 'form');
  const address = await choose([`form:${id}`]);
  const [one, other] = [await open(address), await open(address)];
  const click = (sheet: string) =>
    client.post('/transfers', {
      selection: hidden(sheet, 'selection'),
      plan: hidden(sheet, 'plan'),
      idempotency_key: hidden(sheet, 'idempotency_key'),
    });
  const number = (await click(one)).headers['location']?.split('/')[2];
  const second = await click(other);
  expect([second.status, refusalsOn(second.text)]).toEqual([409, ['already-sent']]);
  expect(textOf(second.text)).toContain(`This was sent already as transfer ${number}.`);
});

test('the selection of a transfer sheet is deleted after a week if nobody kept or sent it, and a sent selection cannot be removed', async () => {
  const { staging } = world;
  const id = await add(staging, 'form', { name: 'Visit details' });
  const address = await choose([`form:${id}`]);
  expect(textOf(await open('/selections'))).toContain('No selections yet');
  await client.post(`${address}/naming`, { name: 'Visits' });
  expect(textOf(await open('/selections'))).toContain('Visits');
  expect(await open('/selections')).toContain(`href="${address}/removal"`);
  expect(textOf(await open(`${address}/removal`))).toContain('Remove “Visits”?');
  await client.post(`${address}/removal`, await fieldsOfRemoval(address));
  expect(textOf(await open('/selections'))).toContain('No selections yet');
  expect(await has(staging, { entity: 'form', id })).toBe(true);
  const sent = await choose([`form:${id}`]);
  const sheet = await open(sent);
  await client.post('/transfers', {
    selection: hidden(sheet, 'selection'),
    plan: hidden(sheet, 'plan'),
    idempotency_key: hidden(sheet, 'idempotency_key'),
  });
  expect((await client.post(`${sent}/removal`, { seen: 'earlier' })).status).toBe(409);
  await staging.sql.query(`update selection set created_at = created_at - interval 40 day`);
  const old = await selections.create(staging.sql, pm.email, { keys: [{ entity: 'form', id }] });
  await staging.sql.query(
    `update selection set created_at = created_at - interval 40 day where id = ?`,
    [old],
  );
  await purgeExpired(staging);
  await expect(selections.find(staging.sql, old)).rejects.toThrow('no such selection');
  await expect(selections.find(staging.sql, sent.split('/')[2] ?? '')).resolves.toBeDefined();
});

test('a sheet of 48 rows shows each row collapsed, and has only one button “Update sheet”', async () => {
  const { staging } = world;
  const keys: string[] = [];
  for (let number = 1; number <= 48; number += 1) {
    keys.push(`form:${await add(staging, 'form', { name: `Folded ${number}` })}`);
  }
  const sheet = await open(await choose(keys));
  const rows = sheet.match(/<details class="step" data-key="form:\d+" *>/g) ?? [];
  expect(rows).toHaveLength(48);
  expect(sheet).not.toMatch(/<details class="step"[^>]* open/);
  expect(sheet.match(/Update sheet<\/button>/g)).toHaveLength(1);
  expect(textOf(sheet)).toContain('48 created');
});

test('a sheet lists its rows under a heading for each type, overwritten rows first, and links to each heading', async () => {
  const { staging, preprod } = world;
  const business = await add(staging, 'business', { name: 'Overwritten business' });
  const key = { entity: 'business', id: business };
  await transfer(staging, [key]);
  await change(staging, key, { name: 'Changed here' });
  await change(preprod, key, { name: 'Changed there' });
  const other = await add(staging, 'business', { name: 'New business' });
  const form = await add(staging, 'form', { name: 'New form' });
  const sheet = await open(
    await choose([`form:${form}`, `business:${other}`, `business:${business}`]),
  );
  const headings = [...sheet.matchAll(/<section class="card" id="rows-(\w+)">\s*<h2>([^<]+)/g)];
  expect(headings.map(([, name, text]) => [name, text?.trim()])).toEqual([
    ['replaced', 'Overwritten or removed'],
    ['business', 'Businesses'],
    ['form', 'Forms'],
  ]);
  expect(sheet.match(/<a href="#rows-\w+"/g)).toHaveLength(3);
  expect(textOf(sheet)).toContain('1 changed there since 1 business');
});
