// Actions of users bring a row into each of the eleven statuses, which say how the row here differs from the row at the
// destination. The tests check what the transfer sheet then shows and asks.
import { describe, expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import { giveNewId } from '../../src/editing/identity.ts';
import { comparePairs } from '../../src/comparison/compare-pairs.ts';
import * as marks from '../../src/transfers/hold.ts';
import { statuses, type Status } from '../../src/state/status.ts';
import { openSite, textOf } from '../support/people.ts';
import {
  add,
  change,
  ed,
  get,
  has,
  writeContextOf,
  pm,
  sheet,
  transfer,
  refusalOf,
} from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const statusOf = async (key: RowKey) =>
  (await comparePairs(world.staging, world.preprod, [key])).get(keyText(key))?.status;
const reasons = async (...given: Parameters<typeof sheet>) =>
  (await sheet(...given)).plan.problems.map(({ reason }) => reason);

/** For each status, the user actions that bring a row into it. */
const stories: Record<Status, () => Promise<RowKey>> = {
  New: () => added(),
  'In sync': () => sent(),
  'Changed here': async () => edited(await sent(), world.staging),
  'Changed there': async () => edited(await sent(), world.preprod),
  'Changed on both': async () =>
    edited(await edited(await sent(), world.staging, 'Ours'), world.preprod, 'Theirs'),
  'Not known to be the same row': () => twin(),
  'Deleted here': async () => deleted(await sent(), world.staging),
  'Deleted here, changed there': async () =>
    deleted(await edited(await sent(), world.preprod), world.staging),
  'Deleted there': async () => deleted(await sent(), world.preprod),
  'Changed here, deleted there': async () =>
    deleted(await edited(await sent(), world.staging), world.preprod),
  'Only there': async () => ({ entity: 'form', id: await add(world.preprod, 'form') }),
};

const added = async () => ({ entity: 'form', id: await add(world.staging, 'form') });

async function sent() {
  const key = await added();
  await transfer(world.staging, [key]);
  return key;
}

async function edited(key: RowKey, here = world.staging, description = 'Edited') {
  await change(here, key, { description });
  return key;
}

async function deleted(key: RowKey, here = world.staging) {
  await remove(writeContextOf(here), pm, entityNamed(key.entity), key.id);
  return key;
}

/** Adds an unrelated row with the same id at the destination, as the former admin tool may have done. */
async function twin() {
  const key = await added();
  await world.preprod.documents
    .collection<{ _id: number; [field: string]: unknown }>('form')
    .insertOne({ _id: key.id, name: 'Another form', description: null });
  return key;
}

test.each(statuses)(
  'edits and transfers by users bring a row into the status “%s”',
  async (status) => {
    expect(await statusOf(await stories[status]())).toBe(status);
  },
);

test('each of the eleven statuses has a test scenario', () => {
  expect(Object.keys(stories).toSorted()).toEqual([...statuses].toSorted());
});

test.each(statuses.filter((status) => status !== 'Only there' && status !== 'In sync'))(
  'a transfer of a row with the status “%s” overwrites no change at the destination without a typed confirmation',
  async (status) => {
    const key = await stories[status]();
    const before = await world.preprod.documents.collection('form').find().toArray();
    const isFree = ['New', 'Changed here', 'Deleted here'].includes(status);
    const asked = await reasons(world.staging, [key]);
    expect(asked).toEqual(isFree ? [] : ['changed-there']);
    if (isFree) {
      expect((await transfer(world.staging, [key])).state).toBe('verified');
    } else {
      expect(await refusalOf(transfer(world.staging, [key]))).toEqual(['changed-there']);
      expect(await world.preprod.documents.collection('form').find().toArray()).toEqual(before);
      expect((await transfer(world.staging, [key], { overwrite: 'overwrite' })).state).toBe(
        'verified',
      );
      expect(await statusOf(key)).toBe(status.startsWith('Deleted here') ? null : 'In sync');
    }
  },
);

test('for a row changed on both sides, the transfer sheet shows the content here, the content there, and the last common content', async () => {
  const { staging, preprod } = world;
  const key = await added();
  await change(staging, key, { description: 'At first' });
  await transfer(staging, [key]);
  await change(staging, key, { description: 'Ours' });
  await change(preprod, key, { description: 'Theirs' }, ed);
  const site = await openSite(world, 'staging');
  const client = await site.as('pm');
  const chosen = await client.post('/selections', { rows: keyText(key) });
  const text = textOf((await client.get(String(chosen.headers['location']))).text);
  expect(text).toContain('Changed in Pre-production by ed@example.com'.replace('P', 'p'));
  expect(text).toMatch(/Description\s+At first\s+Theirs\s+Ours/);
  expect(text).toContain('type “overwrite”');
  await site.close();
});

describe('transfers from which the user has excluded single fields', () => {
  test('a row that is sent without its excluded fields keeps the status Changed here', async () => {
    const { staging, preprod } = world;
    const business = await add(staging, 'business');
    const task = {
      entity: 'task',
      id: await add(staging, 'task', { business, title: 'Bok a visit', message: 'Call us' }),
    };
    await transfer(staging, [task]);
    await change(staging, task, { title: 'Book a visit', message: 'Unfinished' });
    const kept = { [keyText(task)]: ['message'] };
    const { plan } = await sheet(staging, [task], { excludedFields: kept });
    expect(plan.steps.find(({ entity }) => entity === 'task')).toMatchObject({
      action: 'update',
      excludedFields: ['message'],
      after: { title: 'Book a visit', message: 'Call us' },
    });
    await transfer(staging, [task], { excludedFields: kept });
    expect(await get(preprod, task)).toMatchObject({
      title: 'Book a visit',
      message: 'Call us',
    });
    expect((await get(staging, task))['message']).toBe('Unfinished');
    expect(await statusOf(task)).toBe('Changed here');
    await transfer(staging, [task]);
    expect((await get(preprod, task))['message']).toBe('Unfinished');
    expect(await statusOf(task)).toBe('In sync');
  });

  test('when the user excludes a field that changed at the destination, the transfer keeps its value there and needs no typed confirmation', async () => {
    const { staging, preprod } = world;
    const business = { entity: 'business', id: await add(staging, 'business') };
    await transfer(staging, [business]);
    await change(staging, business, { description: 'Ours', priority: 7 });
    await change(preprod, business, { description: 'Theirs' });
    expect(await statusOf(business)).toBe('Changed on both');
    expect(await reasons(staging, [business])).toEqual(['changed-there']);
    const kept = { [keyText(business)]: ['description'] };
    expect(await reasons(staging, [business], { excludedFields: kept })).toEqual([]);
    await transfer(staging, [business], { excludedFields: kept });
    expect(await get(preprod, business)).toMatchObject({
      description: 'Theirs',
      priority: 7,
    });
    expect(await statusOf(business)).toBe('Changed on both');
  });

  test('a transfer sends nothing when the user excludes every changed field', async () => {
    const { staging } = world;
    const form = await edited(await sent());
    const kept = { [keyText(form)]: ['description'] };
    const { plan } = await sheet(staging, [form], { excludedFields: kept });
    expect(plan.steps.map(({ action }) => action)).toEqual(['same']);
  });

  test('when the user excludes the fields that an engineer changed, the row can be sent without an adoption of the engineer’s change', async () => {
    const { staging, preprod } = world;
    const business = { entity: 'business', id: await add(staging, 'business') };
    await transfer(staging, [business]);
    await change(staging, business, { priority: 7 });
    await change(staging, business, { description: 'A test' }, ed);
    expect(await reasons(staging, [business])).toEqual(['engineering']);
    const kept = { [keyText(business)]: ['description'] };
    expect(await reasons(staging, [business], { excludedFields: kept })).toEqual([]);
    await transfer(staging, [business], { excludedFields: kept });
    expect(await get(preprod, business)).toMatchObject({ priority: 7, description: null });
    expect(await reasons(staging, [business])).toEqual(['engineering']);
  });

  test('a transfer does not add a referenced row when the user excludes the reference field', async () => {
    const { staging, preprod } = world;
    const business = await add(staging, 'business');
    const task = { entity: 'task', id: await add(staging, 'task', { business }) };
    await transfer(staging, [task]);
    const form = { entity: 'form', id: await add(staging, 'form') };
    await change(staging, task, { title: 'Fixed', form: form.id });
    await transfer(staging, [task], { excludedFields: { [keyText(task)]: ['form'] } });
    expect(await has(preprod, form)).toBe(false);
    expect(await get(preprod, task)).toMatchObject({ title: 'Fixed', form: null });
  });
});

describe('a row here and an unrelated row at the destination that have the same id', () => {
  test('when a row gets a new id, all references to the row are updated in MySQL and in MongoDB', async () => {
    const { staging, preprod } = world;
    const old = await twin();
    const field = { entity: 'form_field', id: await add(staging, 'form_field', { form: old.id }) };
    const business = await add(staging, 'business');
    const task = { entity: 'task', id: await add(staging, 'task', { business, form: old.id }) };
    const before = await get(staging, old);
    const next = await giveNewId(writeContextOf(staging), pm, entityNamed('form'), old.id);
    expect(next.id).not.toBe(old.id);
    expect(await has(staging, old)).toBe(false);
    expect(await get(staging, next)).toMatchObject({ name: before['name'] });
    expect((await get(staging, field))['form']).toBe(next.id);
    expect((await get(staging, task))['form']).toBe(next.id);
    expect(await statusOf(old)).toBe('Only there');
    expect(await statusOf(next)).toBe('New');
    await transfer(staging, [task]);
    expect((await get(preprod, old))['name']).toBe('Another form');
    expect(await has(preprod, next)).toBe(true);
    expect((await get(preprod, field))['form']).toBe(next.id);
  });

  test('when a row gets a new id, the row keeps its hold (Not for production) and still needs the adoption of an engineer’s change', async () => {
    const { staging } = world;
    const old = { entity: 'form', id: await add(staging, 'form', {}, ed) };
    await marks.hold(staging, pm.email, old, 'A test');
    const next = await giveNewId(writeContextOf(staging), pm, entityNamed('form'), old.id);
    expect(await reasons(staging, [next])).toEqual(['engineering', 'on-hold']);
  });

  test('the transfer sheet offers to give a row a new id when the destination may have an unrelated row with the same id', async () => {
    const { staging } = world;
    const old = await twin();
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const chosen = await client.post('/selections', { rows: keyText(old) });
    const address = String(chosen.headers['location']);
    expect(textOf((await client.get(address)).text)).toContain('It is a different row');
    const selection = address.split('/').at(-1);
    await client.post(`/catalog/form/${old.id}/identity`, { selection });
    const page = textOf((await client.get(address)).text);
    expect(page).toContain('1 created');
    expect(page).not.toContain('to resolve');
    expect(await has(staging, old)).toBe(false);
    await site.close();
  });
});

describe('environment-specific fields, whose values are typed on the transfer sheet', () => {
  test('the transfer sheet asks for the values of environment-specific fields when a row is new at the destination', async () => {
    const { staging, preprod } = world;
    const business = { entity: 'business', id: await add(staging, 'business') };
    const tool = {
      entity: 'external_tool',
      id: await add(staging, 'external_tool', {
        business: business.id,
        endpoint: 'https://calendar.staging.example.com',
      }),
    };
    const typed = (endpoint: string) => ({ locals: { [keyText(tool)]: { endpoint } } });
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const chosen = await client.post('/selections', { rows: keyText(business) });
    expect(textOf((await client.get(String(chosen.headers['location']))).text)).toContain(
      'Endpoint in pre-production',
    );
    await site.close();
    expect(await reasons(staging, [business], typed('not a link'))).toEqual(['local-value']);
    await transfer(staging, [business], typed('https://calendar.example.com'));
    expect((await get(preprod, tool))['endpoint']).toBe('https://calendar.example.com');
    await change(staging, tool, { name: 'Calendar 2', endpoint: 'https://other.example.com' });
    await transfer(staging, [business]);
    expect(await get(preprod, tool)).toMatchObject({
      name: 'Calendar 2',
      endpoint: 'https://calendar.example.com',
    });
  });
});
