// Tests that pages, transfers and refreshes keep working with stored values that violate the catalogue’s rules, and
// show what is wrong.
import { expect, test } from 'vitest';
import { ObjectId, type Document } from 'mongodb';
import { runRefresh } from '../../src/refresh/refresh.ts';
import { add, get, refusalOf, sheet, transfer, version } from '../support/rows.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const pm = useClient(site, 'pm');
const vic = useClient(site, 'vic');

const odd: [string, Document][] = [
  ['null in its options', { options: [null] }],
  ['an object for options', { options: { a: 1 } }],
  ['an object for a label', { label: { a: 1 } }],
  ['an ObjectId for its form', { form: new ObjectId() }],
  ['NaN for its order', { order: Number.NaN }],
  ['a text as modified_at', { modified_at: '2026-11-20T10:00:00Z' }],
  ['a number as modified_at', { modified_at: 5 }],
  ['a date of 1900', { modified_at: new Date('1900-01-01') }],
  ['no modified_at', { modified_at: null }],
];

/**
 * Adds a form with a regular field, and with field 9001, which another program stored with the
 * values `also`.
 */
async function oddField(here: 'staging' | 'production', also: Document) {
  const form = await add(world[here], 'form', { name: 'Address' });
  const field = await add(world[here], 'form_field', { form, label: 'Street' });
  await world[here].documents.collection<Document & { _id: number }>('form_field').insertOne({
    _id: 9001,
    form,
    label: 'Odd field',
    type: 'choice',
    required: true,
    order: 1,
    options: ['a'],
    validation: null,
    modified_at: new Date('2026-11-20T10:00:00Z'),
    ...also,
  });
  return { form, field };
}

test.each(odd)(
  'every page can show a form field that another program stored with %s (F6)',
  async (_what, also) => {
    const { form, field } = await oddField('staging', also);
    for (const client of [pm, vic]) {
      for (const path of [
        '/',
        '/catalog/form',
        '/catalog/form_field',
        '/catalog/form_field?sort=label',
        '/catalog/form_field?sort=-modified_at',
        '/catalog/form_field/options?q=',
        `/catalog/form/${form}`,
        `/catalog/form_field/${field}`,
        '/catalog/form_field/9001',
        '/search?q=field',
      ]) {
        const { status } = await client.get(path);
        expect([path, status]).toEqual([path, 200]);
      }
    }
    for (const path of ['/catalog/form_field/9001/deletion', `/catalog/form/${form}/deletion`]) {
      const { status } = await pm.get(path);
      expect([path, status]).toEqual([path, 200]);
    }
  },
);

test('the list, the form and the page of a form field show which value another program stored wrongly (F6)', async () => {
  const { form } = await oddField('staging', { options: [null] });
  for (const path of ['/catalog/form_field', `/catalog/form/${form}`, '/catalog/form_field/9001']) {
    const { text } = await pm.get(path).expect(200);
    expect(textOf(text)).toContain('Options is not a list of texts');
  }
  expect(textOf((await pm.get('/catalog/form_field/9001')).text)).toContain('Stored is [null]');
});

test('the list of forms reports MongoDB documents whose _id cannot be a row ID (F6)', async () => {
  await add(world.staging, 'form', { name: 'Address' });
  const _id = new ObjectId();
  await world.staging.documents.collection('form').insertOne({ _id, name: 'Odd' });
  const text = textOf((await pm.get('/catalog/form').expect(200)).text);
  expect(text).toContain('Address');
  expect(text).toContain(`Form ${_id.toString()}: its _id is not the number of a row`);
});

test.each(odd)(
  'a form with a field that another program stored with %s is transferred, or the transfer sheet names this field (F6)',
  async (_what, also) => {
    const { staging } = world;
    const { form } = await oddField('staging', also);
    const keys = [{ entity: 'form', id: form }];
    const { plan } = await sheet(staging, keys);
    for (const problem of plan.problems) {
      expect(problem.reason).toBe('row-unfit');
      expect(problem.message).toContain('Form field 9001');
      expect(await refusalOf(transfer(staging, keys))).toContain('row-unfit');
    }
    if (plan.problems.length === 0) expect((await transfer(staging, keys)).state).toBe('verified');
    const other = { entity: 'form', id: await add(staging, 'form') };
    expect((await transfer(staging, [other])).state).toBe('verified');
  },
);

test('a user can correct a value that another program stored wrongly, and then transfer the row (F6)', async () => {
  const { staging } = world;
  const { form } = await oddField('staging', { options: [null], modified_at: 'yesterday' });
  const key = { entity: 'form_field', id: 9001 };
  const answer = await pm.post('/catalog/form_field/9001', {
    version: await version(staging, key),
    form: `#${form}`,
    label: 'Mended',
    type: 'choice',
    required: 'yes',
    order: '1',
    options: 'one\ntwo',
  });
  expect(answer.status).toBe(303);
  expect(await get(staging, key)).toMatchObject({ label: 'Mended', options: ['one', 'two'] });
  expect((await transfer(staging, [{ entity: 'form', id: form }])).state).toBe('verified');
});

test.each(odd)(
  'a refresh from production copies or skips a form field that another program stored with %s, and copies all other rows (F6)',
  async (_what, also) => {
    const { production, preprod } = world;
    const { field } = await oddField('production', also);
    await production.documents.collection('form').insertOne({ _id: new ObjectId(), name: 'Odd' });
    const report = await runRefresh({
      here: preprod,
      there: production,
      source: production,
      lease: 2000,
    });
    expect(report.created).toBe(2 + (report.skippedRows.length === 0 ? 1 : 0));
    for (const { key, why } of report.skippedRows) {
      expect(key).toMatchObject({ entity: 'form_field', id: 9001 });
      expect(why).toContain('in production');
    }
    expect(report.unreadable).toHaveLength(1);
    expect(await get(preprod, { entity: 'form_field', id: field })).toBeDefined();
  },
);

test.each(['0000-00-00', '2026-00-10'])(
  'pages and a refresh keep working when another program stored the date %s in a banner (F7)',
  async (date) => {
    const { staging, production, preprod } = world;
    for (const here of [staging, production]) {
      const id = await add(here, 'banner', { title: 'Zero' });
      await add(here, 'banner', { title: 'Other' });
      const connection = await here.sql.getConnection();
      await connection.query("set sql_mode = ''");
      await connection.query('update banner set `start` = ?, modified_at = ? where id = ?', [
        date,
        date,
        id,
      ]);
      connection.destroy();
      if (here === staging) {
        for (const path of [
          '/catalog/banner',
          '/catalog/banner?sort=modified_at',
          `/catalog/banner/${id}`,
        ]) {
          const text = textOf((await pm.get(path).expect(200)).text);
          expect(text).toContain('Start is not a date and time');
        }
      }
    }
    const report = await runRefresh({
      here: preprod,
      there: production,
      source: production,
      lease: 2000,
    });
    expect(report.created).toBe(1);
    expect(report.skippedRows.map(({ why }) => why)[0]).toContain('Start is not a date and time');
  },
);
