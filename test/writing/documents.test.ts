// A transfer writes many MongoDB documents in one round trip. Each document is replaced only if it is still as it was
// read (compare-and-set).
import { Collection } from 'mongodb';
import { afterEach, expect, test, vi } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { select, sql } from '../../src/database/sql.ts';
import * as edits from '../../src/editing/save.ts';
import { toStored } from '../../src/rows/mongo-writes.ts';
import { collection } from '../../src/rows/mongo.ts';
import { read } from '../../src/rows/store.ts';
import { writeHere } from '../../src/writing/write-here.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { byId } from '../../src/writing/journal.ts';
import { contents } from '../support/checker.ts';
import { elsewhere, recoverNow, statesOf } from '../support/killing.ts';
import { add, contentFor, get, writeContextOf, pm, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
afterEach(() => {
  failpoints.reached = () => {};
});

const fields = 250;

/**
 * Adds a form with many fields to staging, sends them to pre-production, and then changes all
 * fields in staging.
 */
async function many() {
  const { staging } = world;
  const form = { entity: 'form', id: await add(staging, 'form') };
  const entity = entityNamed('form_field');
  const after = (order: number) => ({
    ...contentFor('form_field', { form: form.id, order }),
    id: order,
    modified_at: '',
  });
  const changes = Array.from({ length: fields }, (_one, index) => ({
    entity,
    before: null,
    after: after(index + 1),
  }));
  await writeHere(writeContextOf(staging), pm, changes);
  await transfer(staging, [form]);
  const before = await contents(world.preprod);
  await collection(staging.documents, entityNamed('form_field')).updateMany(
    {},
    { $set: { label: 'Newer' } },
  );
  return { form, before };
}

const field = () => collection(world.preprod.documents, entityNamed('form_field'));

test('a transfer writes all of its 250 changed MongoDB documents', async () => {
  const { form } = await many();
  expect((await transfer(world.staging, [form])).state).toBe('verified');
  expect(await field().countDocuments({ label: 'Newer' })).toBe(fields);
  expect(await contents(world.preprod)).toEqual(await contents(world.staging));
});

test('documents that one transfer wrote, and documents that do not exist, are read with few queries, also if some were changed since', async () => {
  const { preprod } = world;
  await many();
  const keys = (from: number) =>
    Array.from({ length: fields }, (_one, index) => ({ entity: 'form_field', id: from + index }));
  await field().updateOne({ _id: 7 }, { $set: { label: 'Edited', modified_at: new Date(0) } });
  await field().deleteOne({ _id: 8 });
  const find = vi.spyOn(Collection.prototype, 'find');
  const rows = await read(preprod, keys(1));
  expect(find).toHaveBeenCalledTimes(3);
  expect([...rows.values()].map(({ id }) => id)).toEqual(
    keys(1).flatMap(({ id }) => (id === 8 ? [] : id)),
  );
  expect(rows.get('form_field:7')).toMatchObject({ label: 'Edited' });
  find.mockClear();
  expect((await read(preprod, keys(1001))).size).toBe(0);
  expect(find).toHaveBeenCalledTimes(3);
  find.mockRestore();
});

test('recovery finishes a transfer killed between two batches of MongoDB documents', async () => {
  const { form } = await many();
  const { ended } = elsewhere({
    variables: world.variables.staging,
    task: { do: 'transfer', keys: [form] },
    at: { point: 'document', times: 2, signal: 'SIGKILL' },
    bulk: 100,
  });
  expect((await ended).signal).toBe('SIGKILL');
  const written = await field().countDocuments({ label: 'Newer' });
  expect([written > 0, written < fields]).toEqual([true, true]);
  await recoverNow(world.staging);
  expect((await statesOf(world.staging)).at(-1)).toBe('verified');
  expect(await contents(world.preprod)).toEqual(await contents(world.staging));
});

test('a transfer does not overwrite a MongoDB document that another user changes meanwhile, and then needs attention', async () => {
  const { form } = await many();
  const ids = (await field().find().sort({ _id: 1 }).toArray()).map(({ _id: id }) => id);
  const theirs = { _id: ids[150] ?? 0 };
  failpoints.reached = async (name) => {
    if (name !== 'rows') return;
    failpoints.reached = () => {};
    await field().updateOne(theirs, { $set: { label: 'Theirs' } });
  };
  const sent = await transfer(world.staging, [form]);
  expect(sent.state).toBe('needs_attention');
  expect((await byId(world.staging.sql, sent.id))?.problem).toContain('changed');
  expect(await field().findOne(theirs)).toMatchObject({ label: 'Theirs' });
});

test('a document that a slow MongoDB writes late, for an earlier attempt of the same transfer, is not taken for another user’s change', async () => {
  const { staging, preprod } = world;
  const entity = entityNamed('form');
  const form = { entity: 'form', id: await add(staging, 'form', { name: 'Visit' }) };
  const other = { entity: 'form', id: await add(staging, 'form', { name: 'Cab' }) };
  const forms = collection(preprod.documents, entity);
  failpoints.reached = async (name) => {
    if (name !== 'rows') return;
    failpoints.reached = () => {};
    const row = await get(staging, form);
    const [sent] = await select<{ id: string }>(
      staging.sql,
      sql`select id from transfer where kind = 'transfer'`,
    );
    const stamp = { transfer: sent?.id ?? '', fence: 1 };
    await forms.insertOne(toStored(entity, row, row.modified_at, stamp));
  };
  expect((await transfer(staging, [form, other])).state).toBe('verified');
  expect(await contents(preprod)).toEqual(await contents(staging));
});

test('a transfer is rolled back as a whole if another user takes one of its unique names meanwhile', async () => {
  const { staging, preprod } = world;
  const keys = [];
  for (let number = 0; number < 20; number += 1) {
    keys.push({ entity: 'form', id: await add(staging, 'form', { name: `Visit ${number}` }) });
  }
  failpoints.reached = async (name) => {
    if (name !== 'rows') return;
    failpoints.reached = () => {};
    await collection(preprod.documents, entityNamed('form')).insertOne({
      _id: 77,
      name: 'Visit 12',
    });
  };
  const sent = await transfer(staging, keys);
  expect(sent.state).toBe('rolled_back');
  expect((await byId(staging.sql, sent.id))?.problem).toContain('MongoDB refused it');
  const left = await collection(preprod.documents, entityNamed('form'))
    .find({ removed_at: { $exists: false } })
    .toArray();
  expect(left.map(({ _id: id }) => id)).toEqual([77]);
});

test('a save of one MongoDB document stores the document', async () => {
  const entity = entityNamed('form');
  const id = await edits.add(writeContextOf(world.staging), pm, entity, contentFor('form', {}));
  expect(await collection(world.staging.documents, entity).findOne({ _id: id })).toMatchObject({
    _id: id,
  });
});
