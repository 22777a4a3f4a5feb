// Undoes whole transfers and single rows of a transfer; an undo has a sheet like a transfer.
import { describe, expect, test } from 'vitest';
import { v4 as uuid } from 'uuid';
import { type RowKey, keyText } from '../../src/catalog/entity.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import type { Transfer } from '../../src/writing/journal.ts';
import * as marks from '../../src/transfers/hold.ts';
import { claimsIn, statesOf } from '../support/killing.ts';
import { hire, openSite, textOf, refusalsOn } from '../support/people.ts';
import {
  add,
  change,
  get,
  has,
  pm,
  sheet,
  transfer,
  undo,
  undoSheet,
  refusalOf,
} from '../support/rows.ts';
import { useWorld } from '../support/world.ts';
import { pendingRows } from '../../src/state/pending.ts';

const world = useWorld();

/** Undoes an undo, and confirms that the undone content is sent again. */
async function redo(back: Transfer) {
  const { plan } = await undoSheet(world.staging, back);
  const again = plan.steps.map(keyText);
  return undo(world.staging, back, [], 'It was right', uuid(), { again });
}

const keyOf = (entity: string, id: number): RowKey => ({ entity, id });

async function launch() {
  const { staging } = world;
  const business = await add(staging, 'business');
  const form = await add(staging, 'form');
  const field = await add(staging, 'form_field', { form });
  const task = await add(staging, 'task', { business, form });
  const keys = {
    business: keyOf('business', business),
    form: keyOf('form', form),
    field: keyOf('form_field', field),
    task: keyOf('task', task),
  };
  return { ...keys, sent: await transfer(staging, [keys.task]) };
}

const here = (key: RowKey) => has(world.preprod, key);

test('the undo of a transfer removes everything that the transfer created, in MySQL and in MongoDB', async () => {
  const { business, form, field, task, sent } = await launch();
  for (const key of [business, form, field, task]) expect(await here(key)).toBe(true);
  const back = await undo(world.staging, sent);
  expect(back).toMatchObject({ kind: 'undo', state: 'verified' });
  for (const key of [business, form, field, task]) expect(await here(key)).toBe(false);
  for (const key of [business, form, field, task]) expect(await has(world.staging, key)).toBe(true);
  expect(await claimsIn(world.preprod)).toBe(0);
});

test('the undo of a transfer restores the former values with a new modified_at, and the undo can itself be undone', async () => {
  const { staging, preprod } = world;
  const { form, field } = await launch();
  await change(staging, form, { description: 'Newer' });
  await change(staging, field, { label: 'Newer' });
  const sent = await transfer(staging, [form]);
  const after = await get(preprod, form);
  const back = await undo(staging, sent);
  const before = await get(preprod, form);
  expect(before['description']).toBeNull();
  expect((await get(preprod, field))['label']).toBe('Date of birth');
  expect(before.modified_at > after.modified_at).toBe(true);
  const asked = await undoSheet(staging, back);
  expect(asked.plan.problems.map(({ reason }) => reason)).toEqual(['undone']);
  const again = await redo(back);
  expect((await get(preprod, form))['description']).toBe('Newer');
  expect((await get(preprod, field))['label']).toBe('Newer');
  expect(again.name).toContain('Undo of undo of');
  const { plan } = await sheet(staging, [form]);
  expect(plan.steps.map(({ action }) => action)).toEqual(['same', 'same']);
});

test('undoing a single form of a transfer also undoes the fields of the form, but no other rows', async () => {
  const { staging, preprod } = world;
  const { form, field, business } = await launch();
  await change(staging, form, { description: 'Newer' });
  await change(staging, field, { label: 'Newer' });
  await change(staging, business, { description: 'Newer' });
  const sent = await transfer(staging, [form, business]);
  await undo(staging, sent, [form]);
  expect((await get(preprod, form))['description']).toBeNull();
  expect((await get(preprod, field))['label']).toBe('Date of birth');
  expect((await get(preprod, business))['description']).toBe('Newer');
});

test('the undo of a transfer skips a row that was edited since and the rows that it refers to, and lists why each row is skipped', async () => {
  const { preprod, staging } = world;
  const { business, form, field, task, sent } = await launch();
  await change(preprod, task, { title: 'Edited there' });
  const { plan } = await undoSheet(staging, sent);
  const left = Object.fromEntries(plan.skipped.map(({ row, why }) => [keyText(row), why]));
  expect(left[keyText(task)]).toContain('Title was edited in pre-production since, last by pm@');
  expect(left[keyText(form)]).toContain('task “Edited there” needs it and stays');
  expect(left[keyText(business)]).toContain('needs it and stays');
  expect(left[keyText(field)]).toBeUndefined();
  await undo(staging, sent);
  expect(await here(task)).toBe(true);
  expect(await here(form)).toBe(true);
  expect(await here(field)).toBe(false);
});

test('the undo of a transfer skips a form to which a task of a later transfer refers', async () => {
  const { staging } = world;
  const { business, form, sent } = await launch();
  const later = await add(staging, 'task', { business: business.id, form: form.id });
  await transfer(staging, [keyOf('task', later)]);
  const { plan } = await undoSheet(staging, sent);
  expect(plan.skipped.map(({ row }) => row.entity).toSorted()).toEqual(['business', 'form']);
  await undo(staging, sent);
  expect(await here(keyOf('task', later))).toBe(true);
  expect(await here(form)).toBe(true);
});

test('the undo of a transfer does not remove a city that the transfer created if another row is linked with the city', async () => {
  const { staging, preprod } = world;
  await add(staging, 'city', { name: 'Pune' });
  const cities = [{ city: 'Pune', partner: null }];
  const one = keyOf('business', await add(staging, 'business', { cities }));
  const sent = await transfer(staging, [one], { create: ['city:Pune'] });
  const cityThere = async () =>
    ((await preprod.sql.query('select id from city'))[0] as unknown[]).length;
  expect(await cityThere()).toBe(1);
  const other = keyOf('business', await add(staging, 'business', { cities }));
  await transfer(staging, [other]);
  const { plan } = await undoSheet(staging, sent);
  expect(plan.skipped.map(({ why }) => why)).toEqual([
    expect.stringContaining('needs it and stays'),
  ]);
  await undo(staging, sent);
  expect(await cityThere()).toBe(1);
});

test('undoing the transfer of a deletion restores the row with its former id', async () => {
  const { staging, preprod } = world;
  const form = keyOf('form', await add(staging, 'form'));
  const field = keyOf('form_field', await add(staging, 'form_field', { form: form.id }));
  await transfer(staging, [form]);
  const before = await get(preprod, field);
  await deleteHere(form);
  const gone = await transfer(staging, [form]);
  expect(await here(form)).toBe(false);
  await undo(staging, gone);
  const again = await get(preprod, field);
  expect({ ...again, modified_at: '' }).toEqual({ ...before, modified_at: '' });
  expect((await problems([form])).map(({ reason }) => reason)).toEqual(['undone']);
});

async function deleteHere(key: RowKey) {
  const { remove } = await import('../../src/editing/deletions.ts');
  const { staging } = world;
  await remove({ here: staging, lease: 2000 }, pm, entityNamed(key.entity), key.id);
}

const problems = async (...given: [RowKey[], Parameters<typeof sheet>[2]?]) =>
  (await sheet(world.staging, ...given)).plan.problems;

describe('sending undone rows again', () => {
  test('sending undone content again requires a confirmation, but sending newer content does not', async () => {
    const { staging } = world;
    const { form } = await launch();
    await change(staging, form, { description: 'Crashes' });
    await undo(staging, await transfer(staging, [form]), [], 'crashes on iOS');
    const [held] = await problems([form]);
    expect(held?.reason).toBe('undone');
    expect(held?.message).toContain(
      'was undone from pre-production by pm@example.com: crashes on iOS. The content is the same.',
    );
    expect((await pendingRows(staging.sql, entityNamed('form'))).get(form.id)?.isUndone).toBe(true);
    expect(await problems([form], { again: [keyText(form)] })).toEqual([]);
    await change(staging, form, { description: 'Mended' });
    expect(await problems([form])).toEqual([]);
    await transfer(staging, [form]);
    expect(await problems([form])).toEqual([]);
  });
});

test('a hold on a row (Not for production) does not prevent the undo of its transfer', async () => {
  const { staging } = world;
  const { form, sent } = await launch();
  await marks.hold(staging, pm.email, form, 'not yet');
  const { plan } = await undoSheet(staging, sent);
  expect(plan.problems).toEqual([]);
});

test('when an undo restored another user’s value, overwriting this value again still requires a typed confirmation', async () => {
  const { staging, preprod } = world;
  const { form } = await launch();
  await change(staging, form, { description: 'Ours' });
  await change(preprod, form, { description: 'Theirs' });
  const sent = await transfer(staging, [form], { overwrite: 'overwrite' });
  await undo(staging, sent);
  expect((await get(preprod, form))['description']).toBe('Theirs');
  await change(staging, form, { description: 'Ours, second wording' });
  expect((await problems([form])).map(({ reason }) => reason)).toEqual(['changed-there']);
});

test('content that was undone needs a confirmation to be sent again, also after a transfer of other content and after a second undo', async () => {
  const { staging } = world;
  const { form } = await launch();
  await change(staging, form, { description: 'Crashes' });
  const first = await undo(staging, await transfer(staging, [form]));
  await change(staging, form, { description: 'Something else' });
  await transfer(staging, [form]);
  await change(staging, form, { description: 'Crashes' });
  expect((await problems([form])).map(({ reason }) => reason)).toEqual(['undone']);
  expect(first.kind).toBe('undo');
  const sent = await transfer(staging, [form], { again: [keyText(form)] });
  const once = await undo(staging, sent);
  const redone = await redo(once);
  await undo(staging, redone);
  expect((await problems([form])).map(({ reason }) => reason)).toEqual(['undone']);
});

test('excluding a row from the undo of a transfer also excludes its dependent rows', async () => {
  const { form, field, business, sent } = await launch();
  const site = await openSite(world, 'staging');
  const client = await site.as('pm');
  const chosen = await client.post(`/transfers/${sent.number}/undo`);
  const address = String(chosen.headers['location']);
  const page = await client.get(address);
  const leave = [...page.text.matchAll(/name="leave" value="([^"]+)"/g)]
    .map(([, keys]) => keys ?? '')
    .find((keys) => keys.split(' ').includes(keyText(form)));
  expect(leave?.split(' ').toSorted()).toEqual([keyText(form), keyText(field)].toSorted());
  await client.post(`${address}/choices`, { leave });
  const text = textOf((await client.get(address)).text);
  expect(text).not.toContain('Date of birth');
  expect(await has(world.preprod, business)).toBe(true);
  await site.close();
});

test('a double click on the undo button undoes the transfer only once', async () => {
  const { staging } = world;
  const { sent } = await launch();
  const key = uuid();
  const [one, other] = await Promise.all([
    undo(staging, sent, [], 'reason', key),
    undo(staging, sent, [], 'reason', key),
  ]);
  expect(one.id).toBe(other.id);
  expect(await refusalOf(undo(staging, sent))).toEqual(['nothing-to-do']);
  expect(await statesOf(staging)).toEqual(['verified']);
});

test('a person on call may undo a transfer with a reason, and every product manager is notified', async () => {
  const { preprod, staging } = world;
  const { task, sent } = await launch();
  expect(sent.state).toBe('verified');
  const onwards = await transfer(preprod, [task]);
  const site = await openSite(world, 'preprod');
  await hire(preprod, 'pm');
  const oncall = await site.as('oncall');
  const chosen = await oncall.post(`/transfers/${onwards.number}/undo`);
  const address = String(chosen.headers['location']);
  const page = await oncall.get(address);
  expect(textOf(page.text)).toContain('Undo 4 rows in production');
  const hidden = (name: string) =>
    new RegExp(`name="${name}" value="([^"]+)"`).exec(page.text)?.[1];
  const fields = {
    selection: hidden('selection'),
    plan: hidden('plan'),
    idempotency_key: hidden('idempotency_key'),
    name: hidden('name'),
  };
  const unreasoned = await oncall.post('/undos', fields);
  expect([unreasoned.status, refusalsOn(unreasoned.text)]).toEqual([422, ['reason-missing']]);
  const done = await oncall.post('/undos', { ...fields, reason: 'crashes on iOS' });
  expect(done.status).toBe(303);
  expect(await has(world.production, task)).toBe(false);
  const manager = await site.as('pm');
  const messages = textOf((await manager.get('/messages')).text);
  expect(messages).toContain('oncall undid “');
  expect(messages).toContain('crashes on iOS');
  expect(textOf((await oncall.get('/messages')).text)).not.toContain('undid');
  expect((await oncall.post('/selections', { rows: keyText(task) })).status).toBe(403);
  expect(await has(staging, task)).toBe(true);
  await site.close();
});
