// Other programs may store invalid values in rows and documents. Oneway reports each invalid value, and lists and the
// API keep working.
import { expect, test } from 'vitest';
import { Decimal128, Long, ObjectId, type Document } from 'mongodb';
import { entityNamed } from '../../src/catalog/index.ts';
import { misfitsOf } from '../../src/catalog/misfits.ts';
import { keyText } from '../../src/catalog/entity.ts';
import { pageOf, START } from '../../src/api/feed.ts';
import { find, read, unreadable } from '../../src/rows/store.ts';
import { add, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const field = entityNamed('form_field');

const whole = {
  form: 301,
  label: 'x',
  type: 'choice',
  required: true,
  order: 1,
  options: ['a'],
  validation: null,
  modified_at: new Date('2026-11-20T10:00:00Z'),
};

const odd: [string, Document, string[]][] = [
  ['null in options', { options: [null] }, ['options']],
  ['a text as options', { options: 'a' }, ['options']],
  ['objects as options', { options: [{ a: 1 }] }, ['options']],
  ['an object as a text', { label: { a: 1 } }, ['label']],
  ['a number as a text', { label: 5 }, ['label']],
  ['null in a required text', { label: null }, ['label']],
  ['a Decimal128 as a text', { validation: Decimal128.fromString('1.5') }, ['validation']],
  ['NaN as a number', { order: NaN }, ['order']],
  ['a Long beyond safe integers', { order: Long.MAX_VALUE }, ['order']],
  ['a text as a number', { order: '1' }, ['order']],
  ['a number out of range', { order: 5000 }, ['order']],
  ['an ObjectId as a reference', { form: new ObjectId() }, ['form']],
  ['a text as yes or no', { required: 'yes' }, ['required']],
  ['an unknown choice', { type: 'colour' }, ['type']],
  ['a text as modified_at', { modified_at: '2026-11-20T10:00:00Z' }, ['modified_at']],
  ['a number as modified_at', { modified_at: 1763632800 }, ['modified_at']],
  ['a list as modified_at', { modified_at: [new Date()] }, ['modified_at']],
  ['no modified_at', { modified_at: undefined }, []],
  ['null as modified_at', { modified_at: null }, []],
  ['a Long within the safe integers', { order: Long.fromNumber(7) }, []],
  ['unknown fields', { more: { deep: [1, null] } }, []],
];

async function everyItem(entity: string, from = START) {
  const ids: number[] = [];
  let place = { ...from, certainUpTo: null as string | null };
  for (let pages = 0; ; pages += 1) {
    expect(pages).toBeLessThan(50);
    const page = await pageOf(world.staging, entityNamed(entity), place, 2);
    for (const item of page.items) {
      expect(new Date(item.modified_at).toISOString()).toBe(item.modified_at);
      ids.push(item.id);
    }
    if (!page.isMore) return ids;
    place = page.next;
  }
}

const listed = (entity: string, sort = 'id') =>
  find(world.staging, entityNamed(entity), {
    search: '',
    filters: {},
    sort: { field: sort, descending: false },
    limit: 50,
    offset: 0,
  });

test.each(odd)(
  'a document that another program stored with %s can be read, and each invalid field is reported (F6)',
  async (_what, also, wrong) => {
    const { staging } = world;
    const all = staging.documents.collection<{ _id: number }>('form_field');
    await all.insertMany([
      { _id: 9000, ...whole },
      { _id: 9001, ...whole, ...also },
      { _id: 9002, ...whole },
    ]);
    const row = await get(staging, { entity: 'form_field', id: 9001 });
    expect(misfitsOf(row).map((one) => one.field)).toEqual(wrong);
    expect((await listed('form_field')).rows.map(({ id }) => id)).toEqual([9000, 9001, 9002]);
    expect((await listed('form_field', 'label')).total).toBe(3);
    expect((await everyItem('form_field')).toSorted()).toEqual([9000, 9001, 9002]);
  },
);

test('a document with an invalid field is read without that field, with the message “Options is not a list of texts” (F6)', async () => {
  const { staging } = world;
  const all = staging.documents.collection<Document & { _id: number }>('form_field');
  await all.insertOne({ _id: 9001, ...whole, options: [null] });
  const row = await get(staging, { entity: 'form_field', id: 9001 });
  expect(misfitsOf(row)).toEqual([
    { field: 'options', message: 'Options is not a list of texts', stored: '[null]' },
  ]);
  expect('options' in row).toBe(false);
  expect(JSON.parse(JSON.stringify(row))).not.toHaveProperty('misfits');
});

test('documents whose _id cannot be a row id (ObjectId, text, too large number) are left out of lists and of the API, and reported (F6)', async () => {
  const { staging } = world;
  const all = staging.documents.collection('form_field');
  const ids = [new ObjectId(), 'text', Long.fromString('9007199254740999'), 9001];
  for (const id of ids) await all.insertOne({ ...whole, _id: id } as Document);
  expect((await listed('form_field')).rows.map(({ id }) => id)).toEqual([9001]);
  expect(await everyItem('form_field')).toEqual([9001]);
  expect(await unreadable(staging, field)).toHaveLength(3);
});

test.each(['0000-00-00', '2026-00-10', '2026-11-00', '2026-02-31'])(
  'the invalid stored date %s is read as empty, and reported (F7)',
  async (date) => {
    const { staging } = world;
    const banners = [];
    for (let one = 0; one < 3; one += 1) banners.push(await add(staging, 'banner'));
    const [id = 0] = banners;
    const connection = await staging.sql.getConnection();
    await connection.query("set sql_mode = 'ALLOW_INVALID_DATES'");
    await connection.query('update banner set `start` = ?, modified_at = ? where id = ?', [
      date,
      date,
      id,
    ]);
    connection.destroy();
    const row = await get(staging, { entity: 'banner', id });
    expect(misfitsOf(row).map((one) => one.field)).toEqual(['modified_at', 'start']);
    expect(row['start']).toBeUndefined();
    expect((await listed('banner', 'start')).total).toBe(3);
    expect((await everyItem('banner')).toSorted()).toEqual(banners);
  },
);

test('the API lists a deleted row among the changes even if the stored date of its deletion is 0000-00-00 (F7)', async () => {
  const { staging } = world;
  const connection = await staging.sql.getConnection();
  await connection.query("set sql_mode = ''");
  await connection.query(
    `insert into row_state (entity, row_id, root_entity, root_id, title, hash, version, created_by, created_at, changed_by, changed_at, deleted_at)
     values ('banner', 77, 'banner', 77, 'gone', repeat('0', 64), 1, 'x', now(3), 'x', now(3), '0000-00-00')`,
  );
  connection.destroy();
  expect(await everyItem('banner')).toEqual([77]);
});

test('an out-of-range number or unknown choice in a MySQL table is read unchanged, and reported as invalid (F7)', async () => {
  const { staging } = world;
  const key = { entity: 'business', id: await add(staging, 'business') };
  await staging.sql.query("update business set priority = 70000, category = 'Sports'");
  const row = (await read(staging, [key])).get(keyText(key));
  expect(row).toMatchObject({ priority: 70000, category: 'Sports' });
  expect(misfitsOf(row).map(({ field: name }) => name)).toEqual(['category', 'priority']);
});

test('rows whose id is too large for an exact JavaScript number are left out of lists and of the API, and reported (F7)', async () => {
  const { staging } = world;
  const city = await add(staging, 'city', { name: 'Pune' });
  await staging.sql.query(
    `insert into city (id, name, modified_at) values (9007199254740993, 'Far', now(3)),
     (9007199254740994, 'Farther', now(3)), (9007199254740995, 'Farthest', now(3))`,
  );
  const found = await listed('city');
  expect([found.total, found.rows.map(({ id }) => id)]).toEqual([1, [city]]);
  expect(await everyItem('city')).toEqual([city]);
  expect(await unreadable(staging, entityNamed('city'))).toHaveLength(3);
});
