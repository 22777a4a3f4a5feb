// Recovery completes the transfer of a process that dies at any moment.
import { describe, expect, test } from 'vitest';
import { hashOf } from '../../src/catalog/content.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import type { RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import * as inApp from '../../src/messages/channels/in-app.ts';
import { add, change, ed, get, has, writeContextOf, pm, sheet, transfer } from '../support/rows.ts';
import { claimsIn, killedAt, recoverNow, statesOf, transferKilledAt } from '../support/killing.ts';
import { createTrigger } from '../support/triggers.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

/**
 * Changes a task and a form in staging, and adds one form field and removes another, so that a
 * transfer writes rows and documents and removes a document.
 */
async function changedTaskAndForm() {
  const { staging } = world;
  const form = await add(staging, 'form');
  const gone = await add(staging, 'form_field', { form, label: 'Fax number', type: 'phone' });
  const business = await add(staging, 'business');
  const task = await add(staging, 'task', { business, form });
  const receipt = await add(staging, 'order_receipt', { task });
  const keys = [
    { entity: 'task', id: task },
    { entity: 'form', id: form },
  ];
  await transfer(staging, keys);
  await change(staging, keys[0]!, { title: 'Book a visit today' });
  await change(staging, keys[1]!, { description: 'Shorter' });
  await change(staging, { entity: 'order_receipt', id: receipt }, { text: 'See you!' });
  const fresh = await add(staging, 'form_field', { form, label: 'Allergies', type: 'long_text' });
  await remove(writeContextOf(staging), pm, entityNamed('form_field'), gone);
  const all = [
    ...keys,
    { entity: 'order_receipt', id: receipt },
    { entity: 'form_field', id: fresh },
  ];
  return { keys, all, gone: { entity: 'form_field', id: gone } };
}

async function expectWhole(all: RowKey[], gone: RowKey) {
  for (const key of all) {
    const entity = entityNamed(key.entity);
    const [here, there] = [await get(world.staging, key), await get(world.preprod, key)];
    expect(hashOf(entity, there)).toBe(hashOf(entity, here));
  }
  expect(await has(world.preprod, gone)).toBe(false);
  expect(await claimsIn(world.preprod)).toBe(0);
}

test('a person is notified if a queued save is refused because someone else has changed the row meanwhile', async () => {
  const { staging, variables } = world;
  const key = { entity: 'form', id: await add(staging, 'form', { description: 'First' }) };
  const save = { do: 'save', key, facts: { description: 'Mine' } } as const;
  await killedAt(variables.staging, save, { point: 'journal', times: 1 });
  await change(staging, key, { description: 'Theirs' }, ed);
  await recoverNow(staging);
  expect(await get(staging, key)).toMatchObject({ description: 'Theirs' });
  const [message] = await inApp.of(staging.sql, pm.email);
  expect(message?.text).toContain('could not be saved after all, and stands as it did before');
});

describe('I4 I9 recovery of a killed transfer', () => {
  test.each([
    'journal',
    'claim',
    'open',
    'lock',
    're-check',
    'rows',
    'arrivals',
    'document',
    'before commit',
    'after commit',
    'committed',
    'removal',
    'removed',
    'finish',
  ])('recovery completes a transfer killed at the step “%s”', async (point) => {
    const { keys, all, gone } = await changedTaskAndForm();
    expect(await transferKilledAt(world.variables.staging, keys, point)).toBe(true);
    await recoverNow(world.staging);
    expect(await statesOf(world.staging)).toEqual(['verified', 'verified']);
    await expectWhole(all, gone);
    const { plan } = await sheet(world.staging, keys);
    expect(plan.steps.filter(({ action }) => action !== 'same')).toEqual([]);
  });
});

test('a transfer killed at its second document is completed, even if two recoveries run at the same time', async () => {
  const { keys, all, gone } = await changedTaskAndForm();
  expect(await transferKilledAt(world.variables.staging, keys, 'document', 2)).toBe(true);
  await Promise.all([recoverNow(world.staging), recoverNow(world.staging)]);
  expect(await statesOf(world.staging)).toEqual(['verified', 'verified']);
  await expectWhole(all, gone);
});

test('recovery rolls back a transfer rather than overwrite a row that another user edited after the crash', async () => {
  const { keys } = await changedTaskAndForm();
  await transferKilledAt(world.variables.staging, keys, 'document');
  await world.preprod.sql.query("update task set title = 'Edited by hand'");
  await recoverNow(world.staging);
  expect((await statesOf(world.staging)).at(-1)).toBe('rolled_back');
  expect((await get(world.preprod, keys[0]!))['title']).toBe('Edited by hand');
  expect((await get(world.preprod, keys[1]!))['description']).toBeNull();
  expect(await claimsIn(world.preprod)).toBe(0);
});

test('a transfer needs attention if another user changed one of its documents after the crash, and the document keeps that change', async () => {
  const { keys } = await changedTaskAndForm();
  await transferKilledAt(world.variables.staging, keys, 'document');
  await world.preprod.documents
    .collection<{ _id: number }>('form')
    .updateOne({ _id: keys[1]!.id }, { $set: { description: 'By hand' } });
  await recoverNow(world.staging);
  expect((await statesOf(world.staging)).at(-1)).toBe('needs_attention');
  expect((await get(world.preprod, keys[1]!))['description']).toBe('By hand');
  expect(await claimsIn(world.preprod)).toBeGreaterThan(0);
});

test('the transfer sheet refuses rows that an unfinished transfer has claimed, and names the sender of that transfer', async () => {
  const { keys } = await changedTaskAndForm();
  await transferKilledAt(world.variables.staging, keys, 'lock');
  const { plan } = await sheet(world.staging, keys);
  expect(plan.problems.map(({ reason }) => reason)).toContain('being-written');
  expect(plan.problems[0]?.message).toContain('pm@example.com');
});

test('a transfer that MySQL refuses halfway is rolled back and leaves nothing behind', async () => {
  const { keys } = await changedTaskAndForm();
  await createTrigger(
    world.preprod,
    'no_receipts',
    "before update on order_receipt for each row signal sqlstate '45000' set message_text = 'receipts are frozen'",
  );
  try {
    const { state, id } = await transfer(world.staging, keys);
    expect(state).toBe('rolled_back');
    const [line] = (
      await world.staging.sql.query('select problem from transfer where id = ?', [id])
    )[0] as { problem: string }[];
    expect(line?.problem).toContain('receipts are frozen');
    expect((await get(world.preprod, keys[1]!))['description']).toBeNull();
    expect(await claimsIn(world.preprod)).toBe(0);
  } finally {
    await world.preprod.sql.query('drop trigger no_receipts');
  }
});
