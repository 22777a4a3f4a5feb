// Two users have the same selection of rows open: the choices of both users are kept.
import { expect, test } from 'vitest';
import { begin } from '../../src/sheet/kept-selections.ts';
import * as selections from '../../src/sheet/selections.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { openSite, refusalsOn, textOf, useClient, useSite } from '../support/people.ts';
import { add, change, has, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const client = useClient(site, 'pm');

const choose = async (rows: string[]) =>
  (await client.post('/selections', { rows })).headers['location'] ?? '';
const sheetOf = async (address: string) =>
  fieldsOn((await client.get(address).expect(200)).text, 'id="sheet"');
const stored = (address: string) => selections.find(world.staging.sql, address.split('/')[2] ?? '');

/** A form that exists in pre-production and differs in two fields. */
async function changedForm() {
  const key = { entity: 'form', id: await add(world.staging, 'form', { name: 'Visit' }) };
  await transfer(world.staging, [key]);
  await change(world.staging, key, { name: 'Visits', description: 'Changed' });
  return key;
}

test('when two users save choices on the same transfer sheet, all choices are kept, and a notice informs the second user (F16)', async () => {
  const key = await changedForm();
  const text = `form:${key.id}`;
  const address = await choose([text]);
  const [one, other] = [await sheetOf(address), await sheetOf(address)];
  await client.post(`${address}/choices`, { ...one, name: 'Diwali', keep: `${text}/name` });
  await client.post(`${address}/choices`, {
    ...other,
    reason: 'Asked for',
    keep: `${text}/description`,
  });
  const { name, reason, choices } = await stored(address);
  expect({ name, reason, left: choices.excludedFields }).toEqual({
    name: 'Diwali',
    reason: 'Asked for',
    left: { [text]: ['name', 'description'] },
  });
  expect(textOf((await client.get(address)).text)).toContain('Another user changed this selection');
});

test('when two users type different reasons on one transfer sheet, the first reason stays until the second user confirms the other (F16)', async () => {
  const { id } = await changedForm();
  const address = await choose([`form:${id}`]);
  const [one, other] = [await sheetOf(address), await sheetOf(address)];
  await client.post(`${address}/choices`, { ...one, reason: 'Theirs' });
  const mine = { ...other, name: 'Diwali', reason: 'Mine' };
  const late = await client.post(`${address}/choices`, mine);
  expect(late.status).toBe(409);
  expect(refusalsOn(late.text)).toEqual(['changed-meanwhile']);
  expect(textOf(late.text)).toContain('reason is “Theirs” there and “Mine” here');
  expect(await stored(address)).toMatchObject({ name: 'Diwali', reason: 'Theirs' });
  const fresh = fieldsOn(late.text, 'id="sheet"');
  expect(fresh).toMatchObject({ reason: 'Mine' });
  expect((await client.post(`${address}/choices`, fresh)).status).toBe(303);
  expect((await stored(address)).reason).toBe('Mine');
});

test('a user cannot send a transfer sheet that another user changed meanwhile, until the user has opened the changed sheet (F16)', async () => {
  const { id } = await changedForm();
  const address = await choose([`form:${id}`]);
  const shown = await sheetOf(address);
  await client.post(`${address}/choices`, { ...shown, reason: 'Theirs' });
  const sent = await client.post('/transfers', shown);
  expect(sent.headers['location']).toBe(address);
  const again = await client.post('/transfers', await sheetOf(address));
  expect(again.headers['location']).toMatch(/^\/transfers\/\d+$/);
});

test('when users add rows to a selection at the same moment, the selection keeps all these rows (F16)', async () => {
  const ids = [];
  for (const name of ['A', 'B', 'C', 'D']) ids.push(await add(world.staging, 'form', { name }));
  const address = await choose([`form:${ids[0]}`]);
  const into = address.split('/')[2] ?? '';
  await Promise.all(
    ids.slice(1).map((id) => client.post('/selections/additions', { rows: `form:${id}`, into })),
  );
  expect((await stored(address)).keys.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
});

test('removing a selection is refused when another user changed the selection after its page was shown (F16)', async () => {
  const id = await add(world.staging, 'form', { name: 'Visit' });
  const address = await choose([`form:${id}`]);
  await client.post(`${address}/naming`, { ...(await sheetOf(address)), name: 'Launch' });
  const removal = `action="${address}/removal"`;
  const shown = fieldsOn((await client.get(`${address}/removal`)).text, removal);
  await client.post(`${address}/choices`, { ...(await sheetOf(address)), name: 'Diwali' });
  expect((await client.post(`${address}/removal`, shown)).status).toBe(409);
  const fresh = fieldsOn((await client.get(`${address}/removal`)).text, removal);
  expect((await client.post(`${address}/removal`, fresh)).status).toBe(303);
  expect((await client.post(`${address}/removal`, fresh)).status).toBe(409);
  expect(await has(world.staging, { entity: 'form', id })).toBe(true);
});

test('a selection can get rows from the page Compare and from an arrived transfer, and it records the id of the arrived transfer', async () => {
  const key = await changedForm();
  const rows = [`form:${key.id}`];
  await begin(world.staging.sql, uuid(1), 'pm@example.com', { name: 'Diwali', reason: null });
  const compared = (await client.get('/comparison?entity=form&status=Changed+here')).text;
  const posted = fieldsOn(compared, 'data-bulk');
  const answer = await client.post('/selections/additions', { ...posted, rows, into: uuid(1) });
  expect(answer.headers['location']).toBe('/comparison?entity=form&status=Changed+here');
  expect((await selections.find(world.staging.sql, uuid(1))).keys).toEqual([key]);
  const above = await openSite(world, 'preprod');
  const pm = await above.as('pm');
  const { sql: on } = world.preprod;
  await begin(on, uuid(2), 'pm@example.com', { name: 'Launch', reason: null });
  const forms = [key];
  for (let number = 1; number <= 51; number += 1) {
    forms.push({ entity: 'form', id: await add(world.staging, 'form', { name: `F${number}` }) });
  }
  const sent = await transfer(world.staging, forms);
  const arrived = fieldsOn((await pm.get('/arrivals')).text, `/arrivals/${sent.id}/selection"`);
  expect(arrived).toMatchObject({ arrived: sent.id, rest: 'yes' });
  await pm.post('/selections/additions', { ...arrived, rows: arrived['rows'], into: uuid(2) });
  const { keys, chain } = await selections.find(on, uuid(2));
  expect([keys.length, chain]).toEqual([52, [sent.id]]);
  const { rest: _rest, ...listed } = arrived;
  const begun = await pm.post('/selections/additions', { ...listed, rows, into: 'new' });
  expect(begun.headers['location']).toMatch(/^\/selections\/new\?draft=/);
  await above.close();
});

const uuid = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;
