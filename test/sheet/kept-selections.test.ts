// Tests kept selections, which a person begins with a name and several people fill over days. Opening a sheet creates
// none.
import { expect, test } from 'vitest';
import { run, sql } from '../../src/database/sql.ts';
import { deletions } from '../support/deleting.ts';
import * as selections from '../../src/sheet/selections.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { add, change, transfer } from '../support/rows.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const client = useClient(site, 'pm');

const open = async (address: string) => (await client.get(address).expect(200)).text;
const read = async (address: string) => textOf(await open(address));
const newForms = async (...names: string[]) => {
  const ids = [];
  for (const name of names) ids.push(await add(world.staging, 'form', { name }));
  return ids;
};
const begin = async (typed: Record<string, string | string[]>) =>
  (await client.post('/selections/new', typed)).headers['location'] ?? '';
const idOf = (address: string) => address.split('/')[2] ?? '';

test('the selection of an open transfer sheet is listed on the page Selections only after a person has kept it under a name', async () => {
  const [form = 0] = await newForms('Visit');
  const sheet = (await client.post('/selections', { rows: `form:${form}` })).headers['location'];
  const fields = fieldsOn(await open(sheet ?? ''), 'id="sheet"');
  await client.post(`${sheet}/choices`, { ...fields, name: 'Tried' });
  expect(await read('/selections')).toContain('No selections yet');
  expect(await read('/')).not.toContain('selection is not sent yet');
  const shown = fieldsOn(await open(sheet ?? ''), 'id="sheet"');
  const unnamed = await client.post(`${sheet}/naming`, { ...shown, name: ' \u200B ' });
  expect(unnamed.status).toBe(422);
  expect(textOf(unnamed.text)).toContain('Enter a name for the selection');
  shown['was'] = fieldsOn(unnamed.text, 'id="sheet"')['was'] ?? '';
  await client.post(`${sheet}/naming`, { ...shown, name: '🪔 “Diwali” launch' });
  expect(await read('/selections')).toContain('🪔 “Diwali” launch');
  expect(await read('/')).toContain('selection is not sent yet');
});

test('rows can be added to a named selection from lists, and a message counts the added rows and those that the selection already had', async () => {
  const [one = 0, two = 0, three = 0] = await newForms('Visit', 'Cab', 'Flowers');
  expect((await client.post('/selections/new', { name: '  ' })).status).toBe(422);
  const twice = fieldsOn(await open('/selections/new'), 'action="/selections/new"');
  const clicks = await Promise.all([1, 2].map(() => begin({ ...twice, name: 'Twice' })));
  expect(clicks[0]).toBe(clicks[1]);
  const address = await begin({ name: 'Launch', reason: 'Asked for by the shop' });
  expect(await read(address)).toContain('No rows yet');
  const into = idOf(address);
  for (const page of ['/catalog/form', `/catalog/form/${one}`, '/pending']) {
    expect(await open(page)).toContain(`name="into" value="${into}"`);
  }
  const rows = [`form:${one}`, `form:${two}`];
  const back = '/catalog/form?q=i';
  const added = await client.post('/selections/additions', { rows, into, return: back });
  expect(added.headers['location']).toBe(back);
  const note = await open(back);
  expect(textOf(note)).toContain('2 rows added to “Launch”.');
  expect(note).toContain(`href="${address}">Open the selection`);
  await client.post('/selections/additions', { rows: [...rows, `form:${three}`], into });
  expect(await read(address)).toContain('1 row added to “Launch”. 2 were there already.');
  const all = { everything: 'yes', entity: 'form', query: 'q=Visit', into: 'new', return: back };
  const asked = (await client.post('/selections/additions', all)).headers['location'] ?? '';
  expect(await read(asked)).toContain('1 row ticked for it');
  const named = { ...fieldsOn(await open(asked), 'action="/selections/new"'), name: 'Visits' };
  expect((await client.post('/selections/new', named)).headers['location']).toBe(back);
  expect(await read('/selections')).toMatch(/Visits.*1 form.*Launch.*3 forms/);
});

test('a person removes ticked rows on the page of a selection, which also shows the title of a row that was deleted meanwhile', async () => {
  const [one = 0, two = 0] = await newForms('Visit', 'Gone tomorrow');
  const address = await begin({ name: 'Launch' });
  const into = idOf(address);
  await client.post('/selections/additions', { rows: [`form:${one}`, `form:${two}`], into });
  await deletions(world.staging, { entity: 'form', id: two });
  expect(await read(address)).toMatch(/Form “Gone tomorrow” Open Gone tomorrow Deleted here/);
  await client.post(`${address}/rows/removal`, { rows: [`form:${one}`, `form:${two}`] });
  expect(await read(address)).toContain('2 rows removed from this selection.');
  expect((await selections.find(world.staging.sql, into)).keys).toEqual([]);
  expect((await client.post(`${address}/rows/removal`, {})).status).toBe(422);
});

test('the page of a sent selection shows its transfer and the rows that changed since, and adding rows to it is refused', async () => {
  const [one = 0, two = 0] = await newForms('Visit', 'Cab');
  const address = await begin({ name: 'Launch' });
  const into = idOf(address);
  await client.post('/selections/additions', { rows: [`form:${one}`], into });
  await client.post('/transfers', fieldsOn(await open(address), 'id="sheet"'));
  expect(await read(address)).toMatch(/Transfer \d+ : 1 row transferred.*Nothing is open/);
  await change(world.staging, { entity: 'form', id: one }, { name: 'Visits' });
  expect(await read(address)).toContain('Still open, added or changed since: Form “Visits”.');
  const late = await client.post('/selections/additions', { rows: [`form:${two}`], into });
  expect([late.status, textOf(late.text)]).toEqual([409, expect.stringContaining('was sent')]);
  expect(await open('/catalog/form')).not.toContain(`value="${into}"`);
  expect(await read('/selections')).toMatch(/Sent.*Launch/);
});

test('sending the form of a new selection again with another name is refused, and the selection keeps its name', async () => {
  const [form = 0] = await newForms('Visit');
  const empty = fieldsOn(await open('/selections/new'), 'action="/selections/new"');
  const into = { rows: `form:${form}`, into: 'new' };
  const ticked = (await client.post('/selections/additions', into)).headers['location'] ?? '';
  const filled = fieldsOn(await open(ticked), 'action="/selections/new"');
  for (const [fields, name] of [[empty, 'Diwali'] as const, [filled, 'Holi'] as const]) {
    const address = await begin({ ...fields, name });
    expect(await begin({ ...fields, name })).toBe(address);
    const other = await client.post('/selections/new', { ...fields, name: 'Easter' });
    expect([other.status, textOf(other.text)]).toEqual([409, expect.stringContaining(name)]);
    expect((await selections.find(world.staging.sql, idOf(address))).name).toBe(name);
  }
});

test('rows cannot be removed from a sent selection, and a selection whose transfer was refused cannot be deleted', async () => {
  const [form = 0] = await newForms('Visit');
  const address = await begin({ name: 'Launch' });
  const row = { rows: `form:${form}`, into: idOf(address) };
  await client.post('/selections/additions', row);
  await client.post('/transfers', fieldsOn(await open(address), 'id="sheet"'));
  expect(await read(address)).not.toContain('Remove ticked rows');
  expect((await client.post(`${address}/rows/removal`, row)).status).toBe(409);
  expect((await selections.find(world.staging.sql, idOf(address))).keys).toHaveLength(1);
  await run(world.staging.sql, sql`update transfer set state = 'refused' where kind = 'transfer'`);
  expect(await read('/selections')).toMatch(/Open 1.*Launch/);
  expect(await open('/selections')).not.toContain(`${address}/removal`);
});

test('the page Selections still lists an open selection after 100 newer selections were sent', async () => {
  const [form = 0] = await newForms('Visit');
  await begin({ name: 'Filled over weeks' });
  await transfer(world.staging, [{ entity: 'form', id: form }]);
  const { sql: on } = world.staging;
  await run(
    on,
    sql`insert into selection (id, kind, name, person, row_keys, choices, chain, created_at)
        select uuid(), kind, 'Sent', person, row_keys, choices, chain, utc_timestamp(3) + interval 1 minute
          from selection join (${hundred}) as copies where kept_at is null`,
  );
  await run(
    on,
    sql`insert into transfer (id, kind, state, fence, lease_until, origin, destination, name, person, role,
          idempotency_key, plan_hash, chain, relied_on, selection, created_at)
        select uuid(), sent.kind, state, fence, lease_until, origin, destination, sent.name, sent.person, role,
               uuid(), plan_hash, sent.chain, relied_on, copy.id, sent.created_at
          from transfer sent join selection copy on copy.name = 'Sent'
         where sent.kind = 'transfer'`,
  );
  expect(await read('/selections')).toMatch(/Open 1.*Filled over weeks/);
});

const hundred = sql`with recursive copies as (select 1 as n union all select n + 1 from copies where n < 100)
                    select n from copies`;

test.each(['vic', 'ed', null] as const)(
  'the test user %s (null: not signed in) can neither see nor change selections',
  async (role) => {
    const [form = 0] = await newForms('Visit');
    const address = await begin({ name: 'Launch' });
    const other = await site.as(role);
    const refused = role === null ? [303, 302] : [403];
    const row = { rows: `form:${form}`, into: idOf(address) };
    expect(refused).toContain((await other.get('/selections')).status);
    expect(refused).toContain((await other.get(address)).status);
    for (const [path, body] of [
      ['/selections/new', { name: 'Mine' }],
      ['/selections/additions', row],
      [`${address}/rows/removal`, row],
      [`${address}/naming`, { name: 'Mine' }],
    ] as const) {
      expect(refused).toContain((await other.post(path, body)).status);
    }
    expect((await other.get('/catalog/form')).text).not.toContain('Add to…');
    expect((await other.get(`/catalog/form/${form}`)).text).not.toContain('Add to…');
  },
);
