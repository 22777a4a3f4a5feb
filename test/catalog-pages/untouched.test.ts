// Tests that saving a form keeps the stored value of each field that the user did not touch, to the last byte and
// millisecond.
import { describe, expect, test } from 'vitest';
import { collection } from '../../src/rows/mongo.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { repost, shownValues } from '../support/forms.ts';
import { add, change, ed, get, version } from '../support/rows.ts';
import { useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

const stored = async (table: string, id: number) => {
  const [lines] = await world.staging.sql.query(`select * from \`${table}\` where id = ?`, [id]);
  const { modified_at: _modified, ...row } = (lines as Record<string, unknown>[])[0] ?? {};
  return row;
};
const setByAnotherProgram = (table: string, id: number, values: object) =>
  world.staging.sql.query(`update \`${table}\` set ? where id = ?`, [values, id]);

const odd = [
  'a\r\nb',
  '',
  '  - list\n',
  '\n\nfirst',
  'tab\tand\u200Bnothing ',
  'e\u0301 \u202Eabc',
  '\0 nul',
];

describe('saving a form with untouched fields', () => {
  test.each(odd)(
    'a save keeps the stored text %j of a field that the user did not touch (F1)',
    async (text) => {
      const business = await add(world.staging, 'business');
      const id = await add(world.staging, 'task', { business });
      await setByAnotherProgram('task', id, { message: text, title: `${text} Book  a cab ` });
      const before = await stored('task', id);
      const answer = await repost(ana, `/catalog/task/${id}`, { priority: '7' });
      expect(answer.status).toBe(303);
      expect(await stored('task', id)).toEqual({ ...before, priority: 7 });
    },
  );

  test('a save keeps invalid stored numbers, choices, flags, images and references that the user did not touch (F1)', async () => {
    const { staging } = world;
    const id = await add(staging, 'business', { name: 'Kesar' });
    const odds = { priority: 5000, category: 'Old “category”', active: 2, icon: 'logo  1.svg' };
    await setByAnotherProgram('business', id, odds);
    const before = await stored('business', id);
    expect((await repost(ana, `/catalog/business/${id}`, { description: 'New' })).status).toBe(303);
    expect(await stored('business', id)).toEqual({ ...before, description: 'New' });
    const task = await add(staging, 'task', { business: id });
    await setByAnotherProgram('task', task, { business_id: 999, form_id: 998 });
    expect((await repost(ana, `/catalog/task/${task}`, { title: 'New' })).status).toBe(303);
    expect(await stored('task', task)).toMatchObject({
      business_id: 999,
      form_id: 998,
      title: 'New',
    });
  });

  test('a save keeps dates and links that the user did not touch, even invalid ones (F1)', async () => {
    const id = await add(world.staging, 'banner');
    const odds = {
      start: '2026-11-30 09:00:00.123',
      end: '1500-01-01 00:00:30.007',
      link: ' ftp://x y ',
    };
    await setByAnotherProgram('banner', id, odds);
    const before = await stored('banner', id);
    expect((await repost(ana, `/catalog/banner/${id}`, { title: 'New' })).status).toBe(303);
    expect(await stored('banner', id)).toEqual({ ...before, title: 'New' });
    const late = await repost(ana, `/catalog/banner/${id}`, { start: '2026-11-30T09:00:01' });
    expect(late.status).toBe(422);
    expect(late.text).toContain('End must be later than start');
  });

  test('a save keeps untouched lists with empty or long lines, and does not add fields that the document lacks (F1)', async () => {
    const form = await add(world.staging, 'form');
    const id = await add(world.staging, 'form_field', { form, type: 'choice', options: ['x'] });
    const fields = collection(world.staging.documents, entityNamed('form_field'));
    const options = [' a', '', 'b\r\nc', 'd'.repeat(500), 'a'];
    await fields.updateOne({ _id: id }, { $set: { options }, $unset: { validation: '' } });
    expect((await repost(ana, `/catalog/form_field/${id}`, { label: 'New' })).status).toBe(303);
    const after = await fields.findOne({ _id: id });
    expect(after).toMatchObject({ options, label: 'New' });
    expect(after).not.toHaveProperty('validation');
  });

  test('a save keeps links with unusual names, even when the user adds another linked city (F1)', async () => {
    const { staging } = world;
    for (const name of ['Pune', 'Delhi', 'Odd  one']) await add(staging, 'city', { name });
    const id = await add(staging, 'business', { cities: [{ city: 'Odd  one', partner: null }] });
    await staging.sql.query("update city set name = ' Odd\\n one\\t' where name = 'Odd  one'");
    const before = await get(staging, { entity: 'business', id });
    expect((await repost(ana, `/catalog/business/${id}`, { description: 'A' })).status).toBe(303);
    const changes = { 'cities[1][city]': 'Pune' };
    expect((await repost(ana, `/catalog/business/${id}`, changes)).status).toBe(303);
    const after = await get(staging, { entity: 'business', id });
    expect(after['cities']).toEqual([
      ...(before['cities'] as object[]),
      { city: 'Pune', partner: null },
    ]);
  });

  test('fields that the user did not touch keep their stored values, even after a refused save and after a referenced row was renamed (F1)', async () => {
    const { staging } = world;
    const business = await add(staging, 'business', { name: 'Kesar' });
    const id = await add(staging, 'task', { business });
    await setByAnotherProgram('task', id, { message: 'a\r\nb ' });
    const before = await stored('task', id);
    const refused = await repost(ana, `/catalog/task/${id}`, { priority: 'many' });
    expect(refused.status).toBe(422);
    await change(staging, { entity: 'business', id: business }, { name: 'Kesar Wheels' });
    const again = { ...shownValues(refused.text), priority: '8' };
    expect((await ana.post(`/catalog/task/${id}`, again)).status).toBe(303);
    expect(await stored('task', id)).toEqual({ ...before, priority: 8 });
  });
});

describe('two users who save changes of the same row', () => {
  test('when two users save the same row, a field that the second user did not touch keeps the value of the first user (F1)', async () => {
    const { staging } = world;
    const business = await add(staging, 'business');
    const key = { entity: 'task', id: await add(staging, 'task', { business }) };
    await setByAnotherProgram('task', key.id, { message: 'a\r\nb ' });
    const opened = shownValues((await ana.get(`/catalog/task/${key.id}`)).text);
    await change(staging, key, { message: 'Theirs' }, ed);
    const answer = await ana.post(`/catalog/task/${key.id}`, { ...opened, priority: '3' });
    expect(answer.status).toBe(303);
    expect(await get(staging, key)).toMatchObject({ message: 'Theirs', priority: 3 });
  });

  test('resolving an edit conflict keeps the stored value of a field that the user did not touch (F1)', async () => {
    const { staging } = world;
    const business = await add(staging, 'business');
    const key = { entity: 'task', id: await add(staging, 'task', { business, title: 'First' }) };
    await setByAnotherProgram('task', key.id, { message: 'a\r\nb ' });
    const before = await stored('task', key.id);
    const opened = shownValues((await ana.get(`/catalog/task/${key.id}`)).text);
    await change(staging, key, { title: 'Theirs' }, ed);
    const conflict = await ana.post(`/catalog/task/${key.id}`, { ...opened, title: 'Mine' });
    expect(conflict.status).toBe(409);
    const payload = /name="payload" value="([^"]+)"/.exec(conflict.text)?.[1] ?? '';
    expect(payload).not.toContain('message');
    const resolved = await ana.post(`/catalog/task/${key.id}/resolution`, {
      payload: payload.replaceAll('&#34;', '"').replaceAll('&amp;', '&'),
      choice_title: 'mine',
    });
    expect(resolved.status).toBe(303);
    expect(await stored('task', key.id)).toEqual({ ...before, title: 'Mine' });
    expect(await version(staging, key)).toBe(3);
  });
});
