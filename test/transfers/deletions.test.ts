// Deletions are transferred like changes, from staging to pre-production to production. They include dependent rows,
// need a typed confirmation in production, and can be undone.
import { expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import { openSite, textOf } from '../support/people.ts';
import {
  add,
  change,
  get,
  has,
  writeContextOf,
  pm,
  sheet,
  transfer,
  undo,
  refusalOf,
} from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const deleteHere = (key: RowKey, here = world.staging) =>
  remove(writeContextOf(here), pm, entityNamed(key.entity), key.id);
const problems = async (...given: Parameters<typeof sheet>) =>
  (await sheet(...given)).plan.problems;
const reasons = async (...given: Parameters<typeof sheet>) =>
  (await problems(...given)).map(({ reason }) => reason);

async function formWithField() {
  const { staging } = world;
  const form = { entity: 'form', id: await add(staging, 'form') };
  const field = {
    entity: 'form_field',
    id: await add(staging, 'form_field', { form: form.id }),
  };
  await transfer(staging, [form]);
  return { form, field };
}

test('S0-90 a deleted form is listed under Deleted here, and a transfer deletes the form and its fields at the destination', async () => {
  const { staging, preprod } = world;
  const { form, field } = await formWithField();
  await deleteHere(form);
  const site = await openSite(world, 'staging');
  const client = await site.as('pm');
  const page = await client.get('/catalog/form?tab=deleted');
  expect(page.text).toContain(`value="${keyText(form)}"`);
  expect(textOf(page.text)).toContain('Deleted here');
  const { plan } = await sheet(staging, [form]);
  expect(plan.problems).toEqual([]);
  expect(plan.steps.map((step) => [step.entity, step.action])).toEqual([
    ['form', 'remove'],
    ['form_field', 'remove'],
  ]);
  await transfer(staging, [form]);
  expect(await has(preprod, form)).toBe(false);
  expect(await has(preprod, field)).toBe(false);
  const [stones] = await preprod.sql.query(
    'select entity, row_id from row_state where deleted_at is not null order by entity',
  );
  expect(stones).toEqual([
    { entity: 'form', row_id: form.id },
    { entity: 'form_field', row_id: field.id },
  ]);
  expect(textOf((await client.get('/catalog/form?tab=deleted')).text)).toContain(
    'Not there either',
  );
  await site.close();
});

test('S0-90 a deletion in production requires a confirmation that the user typed for exactly this plan', async () => {
  const { staging, preprod, production } = world;
  const { form } = await formWithField();
  await transfer(preprod, [form]);
  await deleteHere(form);
  await transfer(staging, [form]);
  const [asked] = await problems(preprod, [form]);
  expect(asked?.reason).toBe('deletion');
  expect(asked?.message).toContain('will be deleted in production, for the apps too');
  expect(await refusalOf(transfer(preprod, [form]))).toEqual(['deletion']);
  const { plan } = await sheet(preprod, [form]);
  expect(await reasons(preprod, [form], { remove: 'delete', typedFor: 'another plan' })).toEqual([
    'deletion',
  ]);
  const typed = { remove: 'Delete ', typedFor: plan.hash };
  expect(await reasons(preprod, [form], typed)).toEqual([]);
  const sent = await transfer(preprod, [form], typed);
  expect(await has(production, form)).toBe(false);
  await undo(preprod, sent);
  expect(await has(production, form)).toBe(true);
});

test('a transfer of a form also deletes a field of the form that was deleted in staging', async () => {
  const { staging, preprod } = world;
  const { form, field } = await formWithField();
  await deleteHere(field);
  await transfer(staging, [form]);
  expect(await has(preprod, form)).toBe(true);
  expect(await has(preprod, field)).toBe(false);
});

test('deleting a form that a task at the destination still uses is refused, and the sheet offers to send the changed task as well', async () => {
  const { staging, preprod } = world;
  const { form } = await formWithField();
  const business = await add(staging, 'business');
  const task = { entity: 'task', id: await add(staging, 'task', { business, form: form.id }) };
  await transfer(staging, [task]);
  await change(staging, task, { form: null });
  await deleteHere(form);
  const [used] = await problems(staging, [form]);
  expect(used?.reason).toBe('still-used');
  expect(used?.message).toContain('is still used in pre-production by task “Book a visit');
  expect(used?.solutions).toEqual([
    { kind: 'add', keys: [task], title: expect.stringContaining('Book a visit') },
    { kind: 'edit', key: task },
  ]);
  expect(await reasons(staging, [form, task])).toEqual([]);
  await transfer(staging, [form, task]);
  expect(await has(preprod, form)).toBe(false);
  expect((await get(preprod, task))['form']).toBeNull();
});

test('deleting a form also removes a field that was created at the destination, but only after a typed confirmation', async () => {
  const { staging, preprod } = world;
  const { form } = await formWithField();
  const theirs = {
    entity: 'form_field',
    id: await add(preprod, 'form_field', { form: form.id, label: 'Made there' }),
  };
  await deleteHere(form);
  const [asked] = await problems(staging, [form]);
  expect(asked?.message).toContain('was made in pre-production and would be removed (Only there)');
  await transfer(staging, [form], { overwrite: 'overwrite' });
  expect(await has(preprod, theirs)).toBe(false);
});

test('deleting a row that changed at the destination requires a typed confirmation', async () => {
  const { staging, preprod } = world;
  const { form } = await formWithField();
  await change(preprod, form, { description: 'Edited there' });
  await deleteHere(form);
  expect(await reasons(staging, [form])).toEqual(['changed-there']);
  await transfer(staging, [form], { overwrite: 'overwrite' });
  expect(await has(preprod, form)).toBe(false);
});
