// Transfers that need attention: a person sees the former, planned and current values and decides, and other users’
// changes are kept.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import type { RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import { claimsIn, killedAt, recoverNow, statesOf, transferKilledAt } from '../support/killing.ts';
import { hire, openSite, textOf } from '../support/people.ts';
import {
  add,
  change,
  get,
  has,
  writeContextOf,
  pm,
  transfer,
  changedBoth,
} from '../support/rows.ts';
import { createTrigger } from '../support/triggers.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
beforeEach(() => hire(world.staging, 'pm'));
afterEach(() => world.staging.sql.query('drop trigger if exists broken'));

type Pair = { task: RowKey; form: RowKey };

const forms = () => world.preprod.documents.collection<{ _id: number }>('form');
const last = async () => (await statesOf(world.staging)).at(-1);

/**
 * Makes a transfer that needs attention: it is killed after it has written a document, and another
 * user then changes this document.
 */
async function stuck(): Promise<Pair> {
  const pair = await changedBoth(world);
  await transferKilledAt(world.variables.staging, [pair.task, pair.form], 'document');
  await forms().updateOne({ _id: pair.form.id }, { $set: { description: 'By hand' } });
  await recoverNow(world.staging);
  expect(await last()).toBe('needs_attention');
  return pair;
}

/** Posts a person’s decision on the newest transfer, and runs recovery. */
async function decide(choice: string, role: 'pm' | 'oncall' | 'vic' = 'pm') {
  const site = await openSite(world, 'staging');
  const client = await site.as(role);
  const [[line]] = (await world.staging.sql.query(
    'select max(number) as number from transfer where kind = ?',
    ['transfer'],
  )) as unknown as [[{ number: number }]];
  const address = `/transfers/${line.number}`;
  const page = textOf((await client.get(address)).text);
  const { status } = await client.post(`${address}/decision`, { choice });
  await site.close();
  await recoverNow(world.staging);
  return { page, status };
}

test('the page of a transfer that needs attention shows former, planned and current values; the sender and people on call are notified', async () => {
  const { task } = await stuck();
  const site = await openSite(world, 'staging');
  const client = await site.as('pm');
  expect(textOf((await client.get('/messages')).text)).toContain('needs attention');
  await site.close();
  const { page, status } = await decide('roll-back', 'vic');
  expect(page).toContain('Needs attention');
  expect(page).toMatch(/Description\s+Empty\s+Newer\s+By hand/);
  expect(page).toContain('Changed there by someone else');
  expect(page).not.toContain('Choose how to continue');
  expect(status).toBe(403);
  expect(await last()).toBe('needs_attention');
  expect(await has(world.preprod, task)).toBe(true);
});

test('the decision “Roll back mine, keep theirs” restores all rows except those that another user changed', async () => {
  const { task, form } = await stuck();
  const { page } = await decide('roll-back', 'oncall');
  expect(page).toContain('Choose how to continue');
  expect(await last()).toBe('rolled_back');
  expect((await get(world.preprod, form))['description']).toBe('By hand');
  expect((await get(world.preprod, task))['title']).not.toBe('Newer');
  expect(await claimsIn(world.preprod)).toBe(0);
});

test('the decision “Try again” completes a transfer once the destination’s value is as expected again', async () => {
  const { task, form } = await stuck();
  await decide('try-again');
  expect(await last()).toBe('needs_attention');
  expect((await get(world.preprod, form))['description']).toBe('By hand');
  await forms().updateOne({ _id: form.id }, { $set: { description: 'Newer' } });
  await decide('try-again');
  expect(await last()).toBe('verified');
  expect((await get(world.preprod, task))['title']).toBe('Newer');
  expect(await claimsIn(world.preprod)).toBe(0);
});

test('a transfer after its COMMIT cannot be rolled back: the decision “Keep their version” completes it', async () => {
  const { staging, preprod } = world;
  const form = { entity: 'form', id: await add(staging, 'form') };
  const sts = {
    entity: 'sts',
    id: await add(staging, 'sts', { business: await add(staging, 'business') }),
  };
  await transfer(staging, [form, sts]);
  await remove(writeContextOf(staging), pm, entityNamed('form'), form.id);
  await change(staging, sts, { text: 'Newer' });
  await createTrigger(
    staging,
    'broken',
    "before insert on destination_state for each row signal sqlstate '45000' set message_text = 'broken'",
  );
  await transferKilledAt(world.variables.staging, [form, sts], 'after commit');
  await forms().updateOne({ _id: form.id }, { $set: { description: 'By hand' } });
  for (let round = 0; round < 6; round += 1) await recoverNow(staging);
  expect(await last()).toBe('needs_attention');
  expect((await decide('roll-back')).status).toBe(422);
  await staging.sql.query('drop trigger broken');
  await decide('keep-theirs');
  expect(await last()).toBe('verified');
  expect((await get(preprod, form))['description']).toBe('By hand');
  expect((await get(preprod, sts))['text']).toBe('Newer');
  expect(await claimsIn(preprod)).toBe(0);
});

test('a person resolves a save that needs attention on the same page as a transfer', async () => {
  const { staging, variables } = world;
  const form = { entity: 'form', id: await add(staging, 'form') };
  const field = { entity: 'form_field', id: await add(staging, 'form_field', { form: form.id }) };
  await killedAt(
    variables.staging,
    { do: 'save', key: form, facts: { description: 'Newer' } },
    { point: 'document', times: 1 },
  );
  await staging.documents
    .collection<{ _id: number }>('form')
    .updateOne({ _id: form.id }, { $set: { description: 'By hand' } });
  await recoverNow(staging);
  const site = await openSite(world, 'staging');
  const client = await site.as('pm');
  const messages = await client.get('/messages');
  const address = /href="(\/transfers\/\d+)"/.exec(messages.text)?.[1] ?? '';
  expect(textOf((await client.get(address)).text)).toContain('By hand');
  expect((await client.post(`${address}/decision`, { choice: 'roll-back' })).status).toBe(303);
  await site.close();
  await recoverNow(staging);
  expect(await claimsIn(staging)).toBe(0);
  expect((await get(staging, form))['description']).toBe('By hand');
  expect(await has(staging, field)).toBe(true);
});

test('of two people who resolve the same transfer simultaneously, the second is refused', async () => {
  await stuck();
  const site = await openSite(world, 'staging');
  const [one, other] = [await site.as('pm'), await site.as('oncall')];
  const [[line]] = (await world.staging.sql.query(
    "select number from transfer where state = 'needs_attention'",
  )) as unknown as [[{ number: number }]];
  const address = `/transfers/${line.number}/decision`;
  const answers = await Promise.all(
    [one, other].map((client) => client.post(address, { choice: 'roll-back' })),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 409]);
  await site.close();
});
