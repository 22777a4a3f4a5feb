// Where an environment requires approval, another product manager approves exactly the plan that was reviewed.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { v4 as uuid } from 'uuid';
import { keyText } from '../../src/catalog/entity.ts';
import { run, select, sql, transaction } from '../../src/database/sql.ts';
import * as people from '../../src/people/people.ts';
import type { Permission } from '../../src/access/permissions.ts';
import * as records from '../../src/transfers/approval-records.ts';
import { send } from '../../src/transfers/send.ts';
import { routeFrom } from '../../src/sheet/route.ts';
import * as selections from '../../src/sheet/selections.ts';
import {
  openSite,
  password,
  refusalsOn,
  textOf,
  useClient,
  useSite,
  type Client,
} from '../support/people.ts';
import { add, change, has, get } from '../support/rows.ts';
import { json, openTerminal } from '../support/command.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging', { REQUIRE_APPROVAL: 'true' });
const ana = useClient(site, 'pm');

const idOf = async (name: string) =>
  (await people.list(world.staging.sql)).find(({ email }) => email === `${name}@example.com`)?.id ??
  0;
const grant = async (name: string, permissions: Permission[]) =>
  people.setPermissions(site.here, site.here.setup, 'test', await idOf(name), permissions);

/** Signs in as another product manager. */
async function manager(name: string): Promise<Client> {
  const client = await site.as(name);
  await grant(name, ['product_manager']);
  return client;
}

const formCalled = async (name: string) => ({
  entity: 'form',
  id: await add(world.staging, 'form', { name }),
});

/** Opens the sheet of a row, and returns its address and what its form posts. */
async function open(id: number) {
  const chosen = await ana.post('/selections', { rows: `form:${id}` });
  const address = chosen.headers['location'] ?? '';
  const { text } = await ana.get(address).expect(200);
  return { address, text, form: fieldsOn(text, 'id="sheet"') };
}

/** Asks for approval of a row, and returns the address of the request. */
async function asked(id: number, reason = 'Launch “Diwali” 🪔') {
  const { address, form } = await open(id);
  const answer = await ana.post(`${address}/approval`, { ...form, reason });
  expect(answer.headers['location']).toMatch(/^\/approvals\/[0-9a-f-]{36}$/);
  return { request: answer.headers['location'] ?? '', sheet: address, form };
}

const inboxOf = async (email: string) =>
  (
    await select<{ text: string }>(
      world.staging.sql,
      sql`select text from message where person = ${email} order by id`,
    )
  ).map(({ text }) => text);
const transfers = () =>
  select<{ number: number; person: string; approved_by: string | null }>(
    world.staging.sql,
    sql`select number, person, approved_by from transfer where kind = 'transfer'`,
  );

test('when another product manager approves a transfer, the record of the transfer, the audit log and the messages name both people', async () => {
  const bo = await manager('bo');
  const key = await formCalled('Visit "A"');
  const { text, address, form } = await open(key.id);
  expect(textOf(text)).toContain('Ask for approval');
  expect(textOf(text)).not.toContain('Transfer 1 row to');
  const without = await ana.post(`${address}/approval`, form);
  expect([without.status, refusalsOn(without.text)]).toEqual([422, ['reason-missing']]);
  const { request, sheet } = await asked(key.id);
  expect(await has(world.preprod, key)).toBe(false);
  expect(textOf((await ana.get(sheet)).text)).toContain('This waits for approval.');
  expect(await inboxOf('bo@example.com')).toEqual([
    'pm@example.com asks you to approve “Visit "A"” to pre-production: Launch “Diwali” 🪔',
  ]);
  const home = textOf((await bo.get('/')).text);
  expect(home).toContain('1 transfer waits for your approval');
  expect(textOf((await bo.get('/approvals')).text)).toContain('Visit "A" Launch “Diwali” 🪔');
  const seen = textOf((await bo.get(request).expect(200)).text);
  expect(seen).toContain('Form “Visit "A"”');
  expect(seen).toContain('Approve and transfer');
  const sent = await bo.post(`${request}/approval`);
  expect(sent.headers['location']).toMatch(/^\/transfers\/\d+$/);
  expect((await get(world.preprod, key))['name']).toBe('Visit "A"');
  expect(await transfers()).toMatchObject([
    { person: 'pm@example.com', approved_by: 'bo@example.com' },
  ]);
  const page = textOf((await ana.get(sent.headers['location'] ?? '')).text);
  expect(page).toContain('asked by pm , approved by bo');
  expect(textOf((await bo.get(request)).text)).toContain('Approved by bo');
  expect((await inboxOf('pm@example.com')).at(-1)).toMatch(/^bo@example.com approved “Visit "A"”/);
  const [arrival] = await select<{ approved_by: string }>(
    world.preprod.sql,
    sql`select approved_by from arrival`,
  );
  expect(arrival?.approved_by).toBe('bo@example.com');
  const lines = await select<{ detail: string }>(world.preprod.sql, sql`select detail from audit`);
  expect(lines.at(-1)?.detail).toContain('1 row from staging, approved by bo@example.com: Launch');
});

test('where approval is required, neither a posted form nor a direct call of send() can send a transfer without approval', async () => {
  const key = await formCalled('Visit');
  const { form } = await open(key.id);
  const direct = await ana.post('/transfers', { ...form, reason: 'Now' });
  expect([direct.status, refusalsOn(direct.text)]).toEqual([403, ['approval-missing']]);
  expect(textOf(direct.text)).toContain('Ask for approval on the sheet.');
  const selection = await selections.find(world.staging.sql, String(form['selection']));
  await expect(
    send(routeFrom(site.here, 'pm@example.com'), selection, {
      planHash: String(form['plan']),
      idempotencyKey: uuid(),
      name: '',
      reason: 'Now',
      person: 'pm@example.com',
    }),
  ).rejects.toMatchObject({ status: 403 });
  expect(await has(world.preprod, key)).toBe(false);
});

test('where approval is required, a selection cannot be scheduled', async () => {
  const key = await formCalled('Visit');
  const { address, form } = await open(key.id);
  await ana.post(`${address}/naming`, { ...form, name: 'Autumn' });
  const answer = await ana.post(`${address}/schedule`, {
    run_at: new Date(Date.now() + 86_400_000).toISOString().slice(0, 16),
    run_at_zone: 'UTC',
    reason: 'Now',
  });
  expect([answer.status, textOf(answer.text)]).toEqual([
    409,
    expect.stringContaining('Ask for approval on the sheet.'),
  ]);
  expect((await ana.get(address)).text).not.toContain('Schedule…');
});

test('the person who asked for approval cannot approve or refuse the request, and only that person can withdraw it', async () => {
  const bo = await manager('bo');
  const key = await formCalled('Visit');
  const { request } = await asked(key.id);
  expect((await ana.post(`${request}/approval`)).status).toBe(403);
  expect((await ana.post(`${request}/refusal`, { note: 'No' })).status).toBe(403);
  expect((await bo.post(`${request}/withdrawal`)).status).toBe(403);
  expect(textOf((await ana.get(request)).text)).not.toContain('Approve and transfer');
  expect((await ana.post(`${request}/withdrawal`)).status).toBe(303);
  expect((await bo.post(`${request}/approval`)).status).toBe(409);
  expect(await has(world.preprod, key)).toBe(false);
});

test('requests for approval are listed and withdrawn by commands, and purged 90 days after their decision', async () => {
  const oneway = openTerminal(world);
  const words = ['sign-in', '--email', 'pm@example.com'];
  expect(oneway('staging', words, { input: `${password}\n` }).status).toBe(0);
  const { request } = await asked((await formCalled('Visit “2”')).id);
  const id = request.split('/')[2] ?? '';
  const listed = () => json(oneway('staging', ['approvals', '--json'])) as object[];
  expect(listed()).toMatchObject([{ id, state: 'waiting', askedBy: 'pm@example.com', rows: 1 }]);
  expect(oneway('staging', ['approvals']).stdout).toContain('Visit “2”');
  const { sql: on } = world.staging;
  await run(on, sql`update approval set asked_at = utc_timestamp(3) - interval 200 day`);
  expect(await records.purgeExpired({ sql: on })).toBe(0);
  expect(oneway('staging', ['approvals', 'withdraw', id]).stdout).toBe(
    'The request is withdrawn.\n',
  );
  expect(oneway('staging', ['approvals', 'withdraw', id]).status).toBe(1);
  expect(await records.purgeExpired({ sql: on })).toBe(0);
  await run(on, sql`update approval set decided_at = decided_at - interval 91 day`);
  expect(await records.purgeExpired({ sql: on })).toBe(1);
  expect(listed()).toEqual([]);
});

test('refusing a request for approval requires a note, which is sent to the person who asked', async () => {
  const bo = await manager('bo');
  const { request } = await asked((await formCalled('Visit')).id);
  expect((await bo.post(`${request}/refusal`, { note: ' ' })).status).toBe(422);
  expect((await bo.post(`${request}/refusal`, { note: 'Wrong city' })).status).toBe(303);
  expect((await inboxOf('pm@example.com')).at(-1)).toBe(
    'bo@example.com did not approve “Visit”: Wrong city',
  );
  expect((await bo.post(`${request}/approval`)).status).toBe(409);
  expect(await transfers()).toEqual([]);
});

test('a request for approval whose selection was removed cannot be approved, but can be refused', async () => {
  const bo = await manager('bo');
  const { request } = await asked((await formCalled('Visit')).id);
  await run(world.staging.sql, sql`delete from selection`);
  expect(textOf((await bo.get(request).expect(200)).text)).toContain('Its selection was removed.');
  expect((await bo.post(`${request}/approval`)).status).toBe(404);
  expect((await bo.post(`${request}/refusal`, { note: 'Ask again' })).status).toBe(303);
});

test('approving a request after one of its rows changed sends nothing, and the page says what changed', async () => {
  const bo = await manager('bo');
  const key = await formCalled('Visit');
  const { request, sheet } = await asked(key.id);
  await change(world.staging, key, { description: 'Newer' });
  const late = await bo.post(`${request}/approval`);
  expect([late.status, refusalsOn(late.text)]).toEqual([409, ['overtaken']]);
  expect(textOf(late.text)).toContain('Form “Visit” was changed in staging or on the sheet.');
  expect(late.text).toContain(`href="${sheet}"`);
  expect(await has(world.preprod, key)).toBe(false);
  expect((await inboxOf('pm@example.com')).at(-1)).toContain('“Visit” was not sent');
  const again = await open(key.id);
  const next = await ana.post(`${again.address}/approval`, { ...again.form, reason: 'Again' });
  await bo.post(`${next.headers['location']}/approval`);
  expect((await get(world.preprod, key))['description']).toBe('Newer');
});

test('a double click on Approve, and two people who approve a request at once, send only one transfer', async () => {
  const bo = await manager('bo');
  const cy = await manager('cy');
  const { request } = await asked((await formCalled('Visit')).id);
  const answers = await Promise.all([bo, bo, cy].map((one) => one.post(`${request}/approval`)));
  expect(new Set(answers.map(({ headers }) => headers['location'])).size).toBe(1);
  expect(await transfers()).toHaveLength(1);
});

test('a double click on Ask for approval asks once, and a later request for the selection replaces the earlier one', async () => {
  const bo = await manager('bo');
  const key = await formCalled('Visit');
  const { address, form } = await open(key.id);
  const ask = () => ana.post(`${address}/approval`, { ...form, reason: 'Launch' });
  const first = await ask();
  const { form: now } = { form: fieldsOn((await ana.get(address)).text, 'id="sheet"') };
  const twice = await Promise.all(
    [1, 2].map(() => ana.post(`${address}/approval`, { ...now, reason: 'Launch' })),
  );
  const locations = new Set([first, ...twice].map(({ headers }) => headers['location']));
  expect(locations.size).toBe(1);
  await change(world.staging, key, { description: 'Newer' });
  const fresh = fieldsOn((await ana.get(address)).text, 'id="sheet"');
  const second = await ana.post(`${address}/approval`, fresh);
  expect(locations.has(second.headers['location'])).toBe(false);
  expect((await bo.post(`${first.headers['location']}/approval`)).status).toBe(409);
  expect((await bo.post(`${second.headers['location']}/approval`)).status).toBe(303);
});

test('a request for approval of the same rows with another reason replaces the earlier request', async () => {
  const bo = await manager('bo');
  const { request, sheet } = await asked((await formCalled('Visit')).id, 'Launch in Pun');
  const form = fieldsOn((await ana.get(sheet)).text, 'id="sheet"');
  const again = await ana.post(`${sheet}/approval`, { ...form, reason: 'Launch in Pune' });
  const second = again.headers['location'] ?? '';
  expect(textOf((await bo.get(second)).text)).toContain('Launch in Pune');
  expect((await bo.post(`${request}/approval`)).status).toBe(409);
});

test('asking for approval again while another person decides about the first request causes no deadlock', async () => {
  const { request, sheet } = await asked((await formCalled('Visit')).id);
  const form = fieldsOn((await ana.get(sheet)).text, 'id="sheet"');
  const id = request.split('/')[2] ?? '';
  const again = await transaction(world.staging.sql, async (connection) => {
    await records.find(connection, id, { lock: true });
    const asking = ana.post(`${sheet}/approval`, { ...form, reason: 'Again' }).then((one) => one);
    await sleep(1000);
    await run(connection, sql`update approval set state = 'refused' where id = ${id}`);
    return { asking };
  });
  expect((await again.asking).headers['location']).toMatch(/^\/approvals\//);
  expect((await ana.get(request)).text).toContain('Refused');
});

test('an approval sends nothing if the person who asked or the person who approves may no longer transfer or has a closed account', async () => {
  const bo = await manager('bo');
  const key = await formCalled('Visit');
  const { request, form } = await asked(key.id);
  await grant('bo', ['editor']);
  expect((await bo.post(`${request}/approval`)).status).toBe(403);
  const selection = await selections.find(world.staging.sql, String(form['selection']));
  const click = {
    planHash: String(form['plan']),
    idempotencyKey: uuid(),
    name: 'Visit',
    reason: 'Now',
    person: 'pm@example.com',
    approval: { id: request.split('/')[2] ?? '', by: 'bo@example.com' },
  };
  await expect(
    send(routeFrom(site.here, 'pm@example.com'), selection, click),
  ).rejects.toMatchObject({
    status: 403,
    message: 'bo@example.com may not transfer any more, so nothing was sent.',
  });
  await grant('bo', ['product_manager']);
  await people.setActive(site.here, 'test', await idOf('pm'), false);
  expect((await bo.post(`${request}/approval`)).status).toBe(403);
  expect(await has(world.preprod, key)).toBe(false);
  await people.setActive(site.here, 'test', await idOf('pm'), true);
  expect((await bo.post(`${request}/approval`)).status).toBe(303);
  expect(await has(world.preprod, key)).toBe(true);
});

test('the undo of a transfer needs no approval, but the undo of that undo does, because it sends the rows again', async () => {
  const bo = await manager('bo');
  const key = await formCalled('Visit');
  const { request } = await asked(key.id);
  const sent = (await bo.post(`${request}/approval`)).headers['location'] ?? '';
  const undo = async (of: string) => {
    const sheet = (await ana.post(`${of}/undo`)).headers['location'] ?? '';
    const form = fieldsOn((await ana.get(sheet)).text, 'id="sheet"');
    return { sheet, form, answer: await ana.post('/undos', form) };
  };
  const first = await undo(sent);
  expect(await has(world.preprod, key)).toBe(false);
  const second = await undo(first.answer.headers['location'] ?? '');
  expect([second.answer.status, refusalsOn(second.answer.text)]).toEqual([
    403,
    ['approval-missing'],
  ]);
  await ana.post(`${second.sheet}/choices`, { ...second.form, again: keyText(key) });
  const form = fieldsOn((await ana.get(second.sheet)).text, 'id="sheet"');
  const next = await ana.post(`${second.sheet}/approval`, { ...form, reason: 'Needed after all' });
  const seen = textOf((await bo.get(next.headers['location'] ?? '')).text);
  expect(seen).toContain('Send undone rows again: 1 row');
  const again = await bo.post(`${next.headers['location']}/approval`);
  expect(await has(world.preprod, key)).toBe(true);
  const last = await undo(again.headers['location'] ?? '');
  expect(last.answer.status).toBe(303);
  expect(await has(world.preprod, key)).toBe(false);
});

test('while the destination does not answer, the page of a request for approval says so, and the request can be withdrawn', async () => {
  const { request } = await asked((await formCalled('Visit')).id);
  const cutOff = await openSite(world, 'staging', {
    REQUIRE_APPROVAL: 'true',
    UNI_DIR_DESTINATION_SQL_DB_PORT: '1',
  });
  const again = await cutOff.as('pm');
  const { text } = await again.get(request).expect(200);
  expect(textOf(text)).toMatch(/does not answer|cannot be reached/);
  expect(textOf(text)).not.toContain('Overtaken');
  expect((await again.post(`${request}/withdrawal`)).status).toBe(303);
  await cutOff.close();
});
