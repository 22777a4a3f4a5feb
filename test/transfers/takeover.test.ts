// Takes rows over from the destination into the environment where they are edited: through a sheet, with an undo.
import { expect, test } from 'vitest';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { first, run, sql } from '../../src/database/sql.ts';
import { remove } from '../../src/editing/deletions.ts';
import { openSite, textOf, useSite, type Client } from '../support/people.ts';
import {
  add,
  change,
  ed,
  get,
  has,
  pm,
  sheet,
  takeOver,
  transfer,
  undo,
  undoHere,
  writeContextOf,
} from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');

/** Opens the sheet that takes these rows over; returns its URL. */
async function open(client: Client, ...keys: RowKey[]): Promise<string> {
  const chosen = await client.post('/takeovers/choice', { rows: keys.map(keyText) });
  return String(chosen.headers['location']);
}

/** Confirms the sheet as it is shown now; `typed`: what the user chose and typed on it. */
async function confirm(client: Client, address: string, typed: Record<string, unknown> = {}) {
  const { text } = await client.get(address);
  const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1];
  const fields = ['selection', 'plan', 'idempotency_key', 'shown'].map((name) => [
    name,
    hidden(name),
  ]);
  const body = { ...Object.fromEntries(fields), ...typed };
  const sheetPath = address.replace(/\/[^/]+$/, '');
  return { body, answer: await client.post(sheetPath, body) };
}

async function statusOf(key: RowKey) {
  const { facts } = await sheet(world.staging, [key]);
  return facts.pairs.get(keyText(key))?.status;
}

test('a product manager takes a changed form and its fields over from pre-production, and undoes the takeover', async () => {
  const { staging, preprod } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { description: 'Ours' }) };
  const kept = {
    entity: 'form_field',
    id: await add(staging, 'form_field', { form: form.id, order: 1 }),
  };
  const gone = {
    entity: 'form_field',
    id: await add(staging, 'form_field', { form: form.id, order: 2 }),
  };
  await transfer(staging, [form]);
  await change(preprod, form, { description: 'Theirs 😀 "quoted"' });
  await change(preprod, kept, { label: 'Renamed there' });
  await remove(writeContextOf(preprod), pm, entityNamed('form_field'), gone.id);
  const made = {
    entity: 'form_field',
    id: await add(preprod, 'form_field', { form: form.id, order: 3 }),
  };
  const former = await get(staging, form);
  const client = await site.as('pm');

  const row = await client.get(`/catalog/form/${form.id}`);
  expect(textOf(row.text)).toContain('Take over from pre-production…');
  expect(textOf(row.text)).toContain('was changed in pre-production since both were last equal');
  expect(textOf(row.text)).toContain(
    'Compare with pre-production: 2 fields differ, 1 row is only in staging, 1 row is only in pre-production',
  );
  expect(textOf(row.text)).toContain('Last changed in pre-production by pm ,');
  expect(textOf((await client.get('/pending?group=look')).text)).toMatch(
    /Changed there .* pm in pre-production,/,
  );
  expect(row.text.match(/button primary/g)).toHaveLength(1);
  const address = await open(client, form);
  const page = textOf((await client.get(address)).text);
  expect(page).toContain('From pre-production to staging.');
  expect(page).toContain('Take over 4 rows into staging');
  expect(page).toContain('Changed there');
  expect(page).not.toContain('Changed here');
  expect(await statusOf(form)).toBe('Changed there');
  const preview = await client.get(`${address}/preview/form/${form.id}`);
  expect(textOf(preview.text)).toContain('Renamed there');
  const rehearsed = await client.post(`${address}/rehearsal`, {});
  expect(rehearsed.status).toBe(200);
  expect(await get(staging, form)).toEqual(former);

  const { body, answer } = await confirm(client, address);
  expect(answer.status).toBe(303);
  const again = await client.post('/takeovers', body);
  expect(again.headers['location']).toBe(answer.headers['location']);
  expect((await get(staging, form))['description']).toBe('Theirs 😀 "quoted"');
  expect((await get(staging, form)).modified_at > former.modified_at).toBe(true);
  expect((await get(staging, kept))['label']).toBe('Renamed there');
  expect([await has(staging, gone), await has(staging, made)]).toEqual([false, true]);
  for (const key of [form, kept, made]) expect(await statusOf(key)).toBe('In sync');
  const transferPage = String(answer.headers['location']);
  expect(textOf((await client.get(transferPage)).text)).toContain(
    '4 rows taken over into staging.',
  );
  const audited = await first<{ action: string; detail: string }>(
    staging.sql,
    sql`select action, detail from audit order by id desc limit 1`,
  );
  expect(audited).toEqual({
    action: 'took over',
    detail: '4 rows from pre-production into staging',
  });
  const history = textOf((await client.get(`/catalog/form/${form.id}/history`)).text);
  expect(history).toContain('changed, taken over from pre-production');

  // The takeover has recorded the content of pre-production as the base, so a later edit counts as *Changed here*.
  await change(staging, form, { description: 'Mine since' });
  expect(await statusOf(form)).toBe('Changed here');
  await change(staging, form, { description: 'Theirs 😀 "quoted"' });
  const oncall = await site.as('oncall');
  expect((await oncall.post(`${transferPage}/undo`, {})).status).toBe(403);
  const undone = await client.post(`${transferPage}/undo`, {});
  const back = await confirm(client, String(undone.headers['location']));
  expect(back.answer.status).toBe(303);
  expect((await get(staging, form))['description']).toBe('Ours');
  expect([await has(staging, gone), await has(staging, made)]).toEqual([true, false]);
  expect(await statusOf(form)).toBe('Changed there');
});

test('the undo of a takeover or a transfer restores a base whose content other programs have replaced on both sides', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'business', id: await add(staging, 'business', { description: 'Old' }) };
  await transfer(staging, [key]);
  for (const { sql: on, name } of [staging, preprod]) {
    await run(on, sql`update business set description = ${name} where id = ${key.id}`);
  }
  expect(await statusOf(key)).toBe('Changed on both');
  const taken = await takeOver(staging, [key], { overwrite: 'overwrite' });
  expect(await statusOf(key)).toBe('In sync');
  await undoHere(staging, taken);
  expect(await statusOf(key)).toBe('Changed on both');
  const sent = await transfer(staging, [key], { overwrite: 'overwrite' });
  expect(await statusOf(key)).toBe('In sync');
  await undo(staging, sent);
  expect(await statusOf(key)).toBe('Changed on both');
});

test('taking over a row that changed on both sides needs a typed confirmation, and can exclude fields', async () => {
  const { staging, preprod } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { description: 'Old' }) };
  await transfer(staging, [form]);
  await change(preprod, form, { description: 'Theirs', name: 'Their name' });
  await change(staging, form, { description: 'By the engineer' }, ed);
  const client = await site.as('pm');
  const address = await open(client, form);
  const refused = await confirm(client, address);
  expect(refused.answer.status).toBe(422);
  expect(textOf(refused.answer.text)).toContain(
    `(Changed on both), by an engineer (${ed.email}): Description.`,
  );
  const typed = { overwrite: 'overwrite', keep: [`form:${form.id}/description`] };
  // Leaving a field out changes the plan, so the sheet is shown again first.
  await confirm(client, address, typed);
  const done = await confirm(client, address, typed);
  expect(done.answer.status).toBe(303);
  expect(await get(staging, form)).toMatchObject({
    description: 'By the engineer',
    name: 'Their name',
  });
  expect(await statusOf(form)).toBe('Changed here');
});

test('a takeover writes nothing if the row has changed, the person lacks the permission, or pre-production does not answer', async () => {
  const { staging, preprod } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { description: 'Old' }) };
  await transfer(staging, [form]);
  await change(preprod, form, { description: 'Theirs' });
  const silent = await openSite(world, 'staging', { UNI_DIR_DESTINATION_SQL_DB_PORT: '1' });
  const cut = await silent.as('pm');
  expect((await cut.get(await open(cut, form))).status).toBe(503);
  await silent.close();
  const client = await site.as('pm');
  const offering = await client.post('/selections', { rows: keyText(form) });
  const ordinary = await client.get(String(offering.headers['location']));
  expect(textOf(ordinary.text)).toContain('Take over from pre-production…');
  const address = await open(client, form);
  const { text } = await client.get(address);
  const plan = /name="plan" value="([^"]*)"/.exec(text)?.[1];
  await change(preprod, form, { description: 'Theirs, again' });
  const late = await confirm(client, address, { plan });
  expect(late.answer.status).toBe(409);
  expect((await get(staging, form))['description']).toBe('Old');
  for (const role of ['ed', 'vic', 'oncall'] as const) {
    const other = await site.as(role);
    expect((await other.get(address)).status).toBe(403);
    expect((await other.post('/takeovers/choice', { rows: keyText(form) })).status).toBe(403);
    expect((await other.post('/takeovers', late.body)).status).toBe(403);
  }
});

/** Adds the city Pune to staging and, with the name Poona that is mapped to it, to pre-production. */
async function addPuneAsPoona() {
  await add(world.staging, 'city', { name: 'Pune' });
  await add(world.preprod, 'city', { name: 'Poona' });
  await run(
    world.staging.sql,
    sql`insert into name_mapping (entity, name, there, person, at)
        values ('city', 'Pune', 'Poona', ${pm.email}, utc_timestamp(3))`,
  );
}

test('a task that only pre-production has is taken over with its business and form, and its cities get the names that staging uses', async () => {
  const { staging, preprod } = world;
  await addPuneAsPoona();
  await add(preprod, 'city', { name: 'Agra' });
  const business = await add(preprod, 'business');
  const form = await add(preprod, 'form');
  const cities = [
    { city: 'Poona', partner: null },
    { city: 'Agra', partner: null },
  ];
  const task = { entity: 'task', id: await add(preprod, 'task', { business, form, cities }) };
  const client = await site.as('pm');
  const address = await open(client, task);
  expect(textOf((await client.get(address)).text)).toContain('The city “Agra” is not in staging.');
  await confirm(client, address, { create: 'city:Agra' });
  const done = await confirm(client, address, { create: 'city:Agra' });
  expect(done.answer.status).toBe(303);
  expect((await get(staging, task))['cities']).toEqual([
    { city: 'Agra', partner: null },
    { city: 'Pune', partner: null },
  ]);
  for (const key of [{ entity: 'business', id: business }, { entity: 'form', id: form }, task])
    expect(await statusOf(key)).toBe('In sync');
});

test.each([
  ['Changed there', {}],
  ['Changed on both', { title: 'Ours' }],
] as const)(
  'the undo of a takeover gives a task whose city has another name in pre-production the status %s again',
  async (status, ours) => {
    const { staging, preprod } = world;
    await addPuneAsPoona();
    const [business, form] = [await add(staging, 'business'), await add(staging, 'form')];
    const cities = [{ city: 'Pune', partner: null }];
    const task = { entity: 'task', id: await add(staging, 'task', { business, form, cities }) };
    await transfer(staging, [task]);
    await change(staging, task, ours);
    await change(preprod, task, { title: 'Theirs' });
    expect(await statusOf(task)).toBe(status);
    let last = await takeOver(staging, [task], { overwrite: 'overwrite' });
    expect(await statusOf(task)).toBe('In sync');
    for (const expected of [status, 'In sync', status]) {
      last = await undoHere(staging, last);
      expect(await statusOf(task)).toBe(expected);
    }
  },
);

test('a takeover deletes a row that was deleted in pre-production, unless another row in staging still refers to it', async () => {
  const { staging, preprod } = world;
  const business = { entity: 'business', id: await add(staging, 'business') };
  const form = { entity: 'form', id: await add(staging, 'form') };
  await transfer(staging, [business, form]);
  await remove(writeContextOf(preprod), pm, entityNamed('form'), form.id);
  const client = await site.as('pm');
  expect(await statusOf(form)).toBe('Deleted there');
  const task = {
    entity: 'task',
    id: await add(staging, 'task', { business: business.id, form: form.id }),
  };
  const address = await open(client, form);
  expect(textOf((await client.get(address)).text)).toContain('is still used in staging by task');
  await remove(writeContextOf(staging), pm, entityNamed('task'), task.id);
  const done = await confirm(client, address);
  expect(done.answer.status).toBe(303);
  expect(await has(staging, form)).toBe(false);
  const compared = await client.get('/comparison');
  expect(compared.status).toBe(200);
});

test('undoing a takeover or restore of a row that was transferred afterwards gives the row the status Changed here', async () => {
  const { staging, preprod } = world;
  const partly = { entity: 'form', id: await add(staging, 'form', { description: 'Old' }) };
  const restored = { entity: 'form', id: await add(staging, 'form', { description: 'Old' }) };
  await transfer(staging, [partly, restored]);
  await transfer(preprod, [restored]);

  await change(preprod, partly, { description: 'Theirs', name: 'Their name' });
  const taken = await takeOver(staging, [partly], {
    excludedFields: { [keyText(partly)]: ['name'] },
  });
  await transfer(staging, [partly]);
  await undoHere(staging, taken);
  expect((await get(staging, partly))['description']).toBe('Old');
  expect(await statusOf(partly)).toBe('Changed here');

  await change(staging, restored, { description: 'Ours' });
  await transfer(staging, [restored]);
  const back = await takeOver(staging, [restored], { overwrite: 'overwrite' }, 'restore');
  await transfer(staging, [restored]);
  const undone = await undoHere(staging, back);
  expect(await statusOf(restored)).toBe('Changed here');
  await undoHere(staging, undone);
  expect(await statusOf(restored)).toBe('In sync');
});

test('a takeover does not confuse two different cities of the same name, and its sheet offers to map the city', async () => {
  const { staging, preprod } = world;
  for (const name of ['Pune', 'Old Pune']) await add(staging, 'city', { name });
  for (const name of ['Poona', 'Pune']) await add(preprod, 'city', { name });
  const [business, form] = [await add(staging, 'business'), await add(staging, 'form')];
  const task = { entity: 'task', id: await add(staging, 'task', { business, form, cities: [] }) };
  await transfer(staging, [task]);
  const client = await site.as('pm');
  await client.post('/name-mappings', { entity: 'city', name: 'Pune', there: 'Poona', was: '' });
  await change(preprod, task, { cities: [{ city: 'Pune', partner: null }] });

  const address = await open(client, task);
  const { text } = await client.get(address);
  expect(textOf(text)).toContain('the city “Pune” of pre-production is not the city “Pune”');
  const [, id = ''] = /<form[^>]*id="(names-\d+)"/.exec(text) ?? [];
  expect(text).toMatch(new RegExp(`name="name"[^>]*form="${id}"`));
  const mapping = { entity: 'city', name: 'Old Pune', there: 'Pune', was: '', return: address };
  expect((await client.post('/name-mappings', mapping)).headers['location']).toBe(address);
  expect((await confirm(client, address)).answer.status).toBe(303);
  expect((await get(staging, task))['cities']).toEqual([{ city: 'Old Pune', partner: null }]);
  expect(await statusOf(task)).toBe('In sync');
});

test.each(['form', 'business'])(
  'each undo of the takeover of a %s that was deleted in staging deletes it in staging again, also after the takeover was redone',
  async (entity) => {
    const { staging } = world;
    const key = { entity, id: await add(staging, entity) };
    await transfer(staging, [key]);
    await remove(writeContextOf(staging), pm, entityNamed(entity), key.id);
    let last = await takeOver(staging, [key], { overwrite: 'overwrite', remove: 'delete' });
    for (const expected of ['Deleted here', 'In sync', 'Deleted here', 'In sync']) {
      last = await undoHere(staging, last);
      expect(await statusOf(key)).toBe(expected);
    }
  },
);
