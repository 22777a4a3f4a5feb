// Tests dependent rows, such as the fields of a form: a user edits them on the page of their parent row, and saves them
// together with it.
import { beforeEach, describe, expect, test } from 'vitest';
import { v7 as uuid } from 'uuid';
import { textOf as valueText } from '../../src/catalog/fields.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { remove } from '../../src/editing/deletions.ts';
import { readBy } from '../../src/rows/store.ts';
import { historyOf } from '../../src/state/history.ts';
import { select, sql } from '../../src/database/sql.ts';
import { add, change, ed, get, has, writeContextOf } from '../support/rows.ts';
import { repost, shownValues } from '../support/forms.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

let form: number;
let [name, phone] = [0, 0];
const address = () => `/catalog/form/${form}`;
const fieldsOf = async (id = form) => {
  const rows = await readBy(world.staging, entityNamed('form_field'), 'form', [id]);
  return rows
    .toSorted((one, other) => Number(one['order']) - Number(other['order']))
    .map((row) => `${valueText(row['order'])} ${valueText(row['label'])}`);
};
const newField = (label: string, order: string, ref = 'n1') => ({
  [`form_field.${ref}._new`]: 'yes',
  [`form_field.${ref}.label`]: label,
  [`form_field.${ref}.type`]: 'text',
  [`form_field.${ref}.order`]: order,
});
const field = (id: number) => ({ entity: 'form_field', id });

/** Inserts fields of the form as another program does. */
const insertFields = (fields: [id: number, label: string, order: number][]) =>
  world.staging.documents.collection<{ _id: number }>('form_field').insertMany(
    fields.map(([_id, label, order]) => ({
      _id,
      form,
      label,
      type: 'text',
      required: false,
      order,
      options: [],
      validation: null,
      modified_at: new Date(),
    })),
  );
const writes = async () =>
  Number(
    (await select<{ n: number }>(world.staging.sql, sql`select count(*) as n from transfer`))[0]?.n,
  );

beforeEach(async () => {
  form = await add(world.staging, 'form', { name: `Order ${uuid()}` });
  name = await add(world.staging, 'form_field', { form, label: 'Name', order: 1 });
  phone = await add(world.staging, 'form_field', { form, label: 'Phone', order: 2 });
});

describe('editing dependent rows on the page of their parent row', () => {
  test('saving a form changes its row and adds, changes, moves and removes dependent rows in a single write', async () => {
    const third = await add(world.staging, 'form_field', { form, label: 'Old', order: 3 });
    const before = await writes();
    const answer = await repost(ana, address(), {
      description: 'Newer',
      [`form_field.${name}.order`]: '2',
      [`form_field.${phone}.order`]: '1',
      [`form_field.${phone}.label`]: 'Mobile 😀 "quoted"',
      [`form_field.${third}._removed`]: 'yes',
      ...newField('City', '3'),
    });
    expect(answer.status).toBe(303);
    expect(await fieldsOf()).toEqual(['1 Mobile 😀 "quoted"', '2 Name', '3 City']);
    expect(await get(world.staging, { entity: 'form', id: form })).toMatchObject({
      description: 'Newer',
    });
    expect(await writes()).toBe(before + 1);
  });

  test('saving a form that the user did not touch writes nothing', async () => {
    const before = await writes();
    expect((await repost(ana, address())).status).toBe(303);
    expect(await writes()).toBe(before);
  });

  test('a dependent row with the order number of another row is refused, and the form still shows the typed values', async () => {
    const answer = await repost(ana, address(), { ...newField('City', '2'), description: 'Typed' });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('href="#f-form_field.n1.order"');
    expect(textOf(answer.text)).toContain('Order 2 is already that of “Phone”. Number 3 is free');
    expect(shownValues(answer.text)).toMatchObject({
      'form_field.n1.label': 'City',
      description: 'Typed',
    });
    expect(await fieldsOf()).toEqual(['1 Name', '2 Phone']);
    const own = await repost(ana, `/catalog/form_field/${phone}`, { order: '1' });
    expect(own.status).toBe(422);
  });

  test('errors of a row and its dependent rows are listed at once, and each error names its row', async () => {
    const answer = await repost(ana, address(), {
      name: '',
      [`form_field.${phone}.type`]: 'choice',
      [`form_field.${phone}.options`]: '',
      ...newField('', '3'),
    });
    expect(answer.status).toBe(422);
    const text = textOf(answer.text);
    expect(text).toContain('Enter a name');
    expect(text).toContain('Form field “Phone”: Enter at least one option');
    expect(text).toContain('New form field: Enter a label');
  });

  test('a form field with an option that is listed twice is refused', async () => {
    const answer = await repost(ana, address(), {
      [`form_field.${phone}.options`]: 'Starch\r\nPlain\r\nStarch',
    });
    expect(answer.status).toBe(422);
    expect(textOf(answer.text)).toContain('“Starch” is listed twice');
  });

  test('the page of a new dependent row proposes the next order number', async () => {
    const page = await ana.get(`/catalog/form_field/new?form=${form}`).expect(200);
    expect(shownValues(page.text)['order']).toBe('3');
  });
});

describe('forms with dependent rows that are posted twice, too large or edited by hand', () => {
  const business = () => add(world.staging, 'business');
  const tools = async (id: number) =>
    (await readBy(world.staging, entityNamed('external_tool'), 'business', [id])).map((row) =>
      valueText(row['name']),
    );
  const newTool = (name: string) => ({
    'external_tool.n1._new': 'yes',
    'external_tool.n1.name': name,
    'external_tool.n1.key': 'a secret',
  });

  test('a form that is posted twice adds its new rows once', async () => {
    const id = await business();
    const page = `/catalog/business/${id}`;
    const values = { ...shownValues((await ana.get(page)).text), ...newTool('Calendar') };
    const answers = await Promise.all([ana.post(page, values), ana.post(page, values)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    expect((await ana.post(page, values)).status).toBe(303);
    expect(await tools(id)).toEqual(['Calendar']);
  });

  test('posting a form again with other new dependent rows is refused, and posting the form that the error page shows adds these rows', async () => {
    const id = await business();
    const page = `/catalog/business/${id}`;
    const values = { ...shownValues((await ana.get(page)).text), ...newTool('Calendar') };
    expect((await ana.post(page, values)).status).toBe(303);
    const refused = await ana.post(page, { ...values, ...newTool('Mail') });
    expect(refused.status).toBe(422);
    expect(textOf(refused.text)).toContain('This form was sent before with other values');
    expect(await tools(id)).toEqual(['Calendar']);
    expect((await ana.post(page, shownValues(refused.text))).status).toBe(303);
    expect((await tools(id)).toSorted()).toEqual(['Calendar', 'Mail']);
  });

  test('a form with more dependent rows than a page can have is refused, and the typed values are shown again', async () => {
    const id = await business();
    const many = Array.from({ length: 201 }, (_none, index) => [
      `external_tool.n${index + 1}.name`,
      `Tool ${index + 1}`,
    ]);
    const answer = await repost(ana, `/catalog/business/${id}`, {
      ...Object.fromEntries(many),
      name: 'Typed',
    });
    expect(answer.status).toBe(422);
    expect(textOf(answer.text)).toContain('200 external tools at most');
    expect(shownValues(answer.text)).toMatchObject({
      name: 'Typed',
      'external_tool.n201.name': 'Tool 201',
    });
  });

  test('a refused form keeps a typed dependent row, even if other users have added more rows than a form can have', async () => {
    const id = await business();
    const page = `/catalog/business/${id}`;
    const empty = shownValues((await ana.get(page)).text);
    const many = Array.from({ length: 200 }, (_none, index) => [
      `external_tool.n${index + 1}.name`,
      `Tool ${index + 1}`,
    ]);
    expect((await ana.post(page, { ...empty, ...Object.fromEntries(many) })).status).toBe(303);
    await add(world.staging, 'external_tool', { business: id, name: 'Tool 201' });
    const values = { ...empty, idempotency_key: uuid(), name: '', ...newTool('Mine') };
    const refused = await ana.post(page, values);
    expect(refused.status).toBe(422);
    const again = { ...shownValues(refused.text), name: 'Busy' };
    expect(again).toMatchObject({ 'external_tool.n1.name': 'Mine' });
    expect((await ana.post(page, again)).status).toBe(303);
    expect(await tools(id)).toContain('Mine');
    const copy = await ana.get(`/catalog/business/new?from=${id}`).expect(200);
    expect(textOf(copy.text)).toContain('Of its 202 external tools, only the first 200 are copied');
  });

  test('a posted conflict page that contains the same dependent row twice is refused', async () => {
    const row = { mine: { label: 'A' }, fields: [], version: 1, isRemoved: false, id: name };
    const payload = JSON.stringify({
      mine: {},
      fields: [],
      version: 1,
      key: uuid(),
      children: [
        { ...row, ref: `form_field.${name}.` },
        { ...row, ref: 'form_field.n1.', mine: { label: 'B' } },
      ],
    });
    const answer = await ana.post(`${address()}/resolution`, { payload });
    expect(answer.status).toBe(422);
    expect(await fieldsOf()).toEqual(['1 Name', '2 Phone']);
  });
});

describe('adding, duplicating and moving dependent rows in a browser without JavaScript', () => {
  const press = (arrange: string, typed: Record<string, string> = {}) =>
    repost(ana, address(), { arrange, ...typed });

  test('without JavaScript, buttons add, duplicate and move dependent rows of a form without saving, and keep the typed values', async () => {
    const added = shownValues((await press('add form_field', { name: 'Typed' })).text);
    expect(added).toMatchObject({ name: 'Typed', 'form_field.n1.order': '3' });
    const copied = shownValues((await press(`copy form_field.${phone}.`)).text);
    expect(copied).toMatchObject({ 'form_field.n1.label': 'Phone', 'form_field.n1.order': '3' });
    const moved = shownValues((await press(`up form_field.${phone}.`)).text);
    expect(moved).toMatchObject({
      [`form_field.${phone}.order`]: '1',
      [`form_field.${name}.order`]: '2',
    });
    expect(await fieldsOf()).toEqual(['1 Name', '2 Phone']);
    const saved = await ana.post(address(), moved);
    expect(saved.status).toBe(303);
    expect(await fieldsOf()).toEqual(['1 Phone', '2 Name']);
  });

  test('a new row is added together with its dependent rows', async () => {
    const page = await ana.get('/catalog/form/new').expect(200);
    const typed = { ...shownValues(page.text), name: `New ${uuid()}`, ...newField('City', '1') };
    const saved = await ana.post('/catalog/form', typed);
    expect(saved.status).toBe(303);
    const id = Number(/\/(\d+)$/.exec(String(saved.headers['location']))?.[1]);
    expect(await fieldsOf(id)).toEqual(['1 City']);
    const again = await ana.post('/catalog/form', typed);
    expect(again.headers['location']).toBe(saved.headers['location']);
    const other = await ana.post('/catalog/form', { ...typed, ...newField('Town', '1') });
    expect(other.status).toBe(422);
    expect(textOf(other.text)).toContain('was added already');
  });
});

describe('two people who edit dependent rows at once', () => {
  const shown = async () => shownValues((await ana.get(address()).expect(200)).text);

  test('two users who change the same field of a dependent row get a conflict page, and the choice is saved with all other typed values', async () => {
    const values = await shown();
    await change(world.staging, field(phone), { label: 'Theirs' }, ed);
    await change(world.staging, field(name), { validation: 'Theirs' }, ed);
    const conflict = await ana.post(address(), {
      ...values,
      description: 'Mine',
      [`form_field.${phone}.label`]: 'Mine',
      [`form_field.${name}.label`]: 'Full name',
      ...newField('City', '3'),
    });
    expect(conflict.status).toBe(409);
    expect(textOf(conflict.text)).toContain('Theirs');
    const [, payload = ''] = /name="payload" value="([^"]+)"/.exec(conflict.text) ?? [];
    const saved = await ana.post(`${address()}/resolution`, {
      payload: payload.replaceAll('&#34;', '"').replaceAll('&amp;', '&'),
      [`choice_form_field.${phone}.label`]: 'theirs',
    });
    expect(saved.status).toBe(303);
    expect(await fieldsOf()).toEqual(['1 Full name', '2 Theirs', '3 City']);
    expect(await get(world.staging, field(name))).toMatchObject({ validation: 'Theirs' });
    expect(await get(world.staging, { entity: 'form', id: form })).toMatchObject({
      description: 'Mine',
    });
  });

  test('a user cannot remove a dependent row that another user changed meanwhile, but can add one again that another user removed', async () => {
    const values = await shown();
    await change(world.staging, field(phone), { label: 'Theirs' }, ed);
    const refused = await ana.post(address(), {
      ...values,
      [`form_field.${phone}._removed`]: 'yes',
    });
    expect(refused.status).toBe(422);
    expect(textOf(refused.text)).toContain(
      'ed@example.com changed “Theirs” while you were editing',
    );
    const again = await shown();
    await remove(writeContextOf(world.staging), ed, entityNamed('form_field'), name);
    const lost = await ana.post(address(), { ...again, [`form_field.${name}.label`]: 'Typed' });
    expect(lost.status).toBe(422);
    expect(textOf(lost.text)).toContain('was removed here while you were editing');
    const saved = await ana.post(address(), shownValues(lost.text));
    expect(saved.status).toBe(303);
    expect(await fieldsOf()).toEqual(['1 Typed', '2 Theirs']);
    expect(await has(world.staging, field(name))).toBe(false);
  });

  test('when two users add form fields with the same order number at once, one save succeeds, and the other form keeps its typed values', async () => {
    const people = [ana, await site.as('ed')];
    for (const label of ['First', 'Second', 'Third']) {
      const before = await fieldsOf();
      const order = String(before.length + 1);
      const answers = await Promise.all(
        people.map(async (person, index) => {
          const values = shownValues((await person.get(address()).expect(200)).text);
          const who = index === 0 ? 'one' : 'two';
          return person.post(address(), { ...values, ...newField(`${label} ${who}`, order) });
        }),
      );
      const [refused] = answers.filter(({ status }) => status !== 303);
      expect(await fieldsOf()).toHaveLength(before.length + 1);
      expect([409, 422]).toContain(refused?.status);
      expect(refused?.text).toMatch(new RegExp(`value="${label} (one|two)"`));
    }
  });

  test('a posted form that names a dependent row of another form is refused, and that row is not changed', async () => {
    const other = await add(world.staging, 'form', { name: `Other ${uuid()}` });
    const foreign = await add(world.staging, 'form_field', { form: other, label: 'Foreign' });
    const answer = await repost(ana, address(), {
      [`form_field.${foreign}._version`]: '1',
      [`form_field.${foreign}.label`]: 'Taken',
    });
    expect(answer.status).toBe(422);
    expect(await get(world.staging, field(foreign))).toMatchObject({ label: 'Foreign' });
  });
});

describe('the link Duplicate on the page of a row', () => {
  test('the link Duplicate opens an unsaved copy of a row with its dependent rows, without its unique name and without secrets', async () => {
    const page = await ana.get(`/catalog/form/new?from=${form}`).expect(200);
    const values = shownValues(page.text);
    expect(values).toMatchObject({
      name: '',
      'form_field.n1.label': 'Name',
      'form_field.n2.label': 'Phone',
    });
    const saved = await ana.post('/catalog/form', { ...values, name: `Copy ${uuid()}` });
    expect(saved.status).toBe(303);
    const id = Number(/\/(\d+)$/.exec(String(saved.headers['location']))?.[1]);
    expect(await fieldsOf(id)).toEqual(['1 Name', '2 Phone']);
    const business = await add(world.staging, 'business');
    await add(world.staging, 'external_tool', { business, name: 'Tool', key: 'secret-key' });
    const copy = await ana.get(`/catalog/business/new?from=${business}`).expect(200);
    expect(copy.text).toContain('value="Tool"');
    expect(shownValues(copy.text)['external_tool.n1.key_typed']).toBeUndefined();
  });
});

describe('filling the form of a row with an earlier version', () => {
  test('“Use this version” fills the form with that version of the row and its dependent rows, and saves nothing by itself', async () => {
    const { staging } = world;
    const key = { entity: 'form', id: form };
    await change(staging, key, { description: 'Then' });
    const [then] = await historyOf(staging, key, 1);
    await change(staging, key, { description: 'Now' });
    await change(staging, field(name), { label: 'Full name' });
    await remove(writeContextOf(staging), ed, entityNamed('form_field'), phone);
    await add(staging, 'form_field', { form, label: 'Later', order: 3 });
    const version = `${address()}/history/${then?.id}`;
    const [, href = ''] =
      /<a class="button" href="([^"]+)">/.exec((await ana.get(version).expect(200)).text) ?? [];
    const page = (await ana.get(href).expect(200)).text;
    expect(textOf(page)).toContain('Nothing is stored until you save it.');
    expect(textOf(page)).toContain('4 unsaved changes');
    expect(await fieldsOf()).toEqual(['1 Full name', '3 Later']);
    expect((await ana.post(address(), shownValues(page))).status).toBe(303);
    expect(await fieldsOf()).toEqual(['1 Name', '2 Phone']);
    expect(await get(staging, key)).toMatchObject({ description: 'Then' });
  });

  test('a form filled with an earlier version keeps dependent rows that another program added, with their values of that time', async () => {
    const { staging } = world;
    const key = { entity: 'form', id: form };
    await insertFields([
      [4_000_000, 'Untouched', 3],
      [4_000_001, 'Before', 4],
    ]);
    await change(staging, key, { description: 'Then' });
    const [then] = await historyOf(staging, key, 1);
    await change(staging, field(4_000_001), { label: 'After' });
    const page = (await ana.get(`${address()}?version=${then?.id}`).expect(200)).text;
    expect((await ana.post(address(), shownValues(page))).status).toBe(303);
    expect(await fieldsOf()).toEqual(['1 Name', '2 Phone', '3 Untouched', '4 Before']);
  });

  test('a form filled with an earlier version leaves dependent rows unchanged if it would have more of them than a form can have', async () => {
    const { staging } = world;
    const key = { entity: 'form', id: form };
    const [then] = await historyOf(staging, key, 1);
    await remove(writeContextOf(staging), ed, entityNamed('form_field'), phone);
    await insertFields(
      Array.from({ length: 199 }, (_, at) => [5_000_000 + at, `Field ${at}`, 10 + at]),
    );
    await change(staging, key, { description: 'Now' });
    const page = (await ana.get(`${address()}?version=${then?.id}`).expect(200)).text;
    expect(textOf(page)).toContain('Its 200 form fields stay as they are.');
    expect((await ana.post(address(), shownValues(page))).status).toBe(303);
    expect(await fieldsOf()).toHaveLength(200);
  });

  test('the page of a row answers 404 when its URL names a version from before the row existed', async () => {
    const other = await add(world.staging, 'form', { name: `Other ${uuid()}` });
    const [line] = await historyOf(world.staging, { entity: 'form', id: form }, 1);
    expect((await ana.get(`/catalog/form/${other}?version=${line?.id}`)).status).toBe(404);
  });
});
