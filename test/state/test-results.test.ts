// Test results in pre-production: a result counts only for the tested content, is shown on the transfer sheet, and is
// required if the settings say so.
import { expect, test } from 'vitest';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { listedRows } from '../../src/state/arrived.ts';
import * as testResults from '../../src/state/test-results.ts';
import { openSite, textOf, useSite } from '../support/people.ts';
import * as selections from '../../src/sheet/selections.ts';
import { prepareSheet } from '../../src/sheet/sheet.ts';
import { countPending } from '../../src/state/pending-counts.ts';
import * as nameMapping from '../../src/transfers/name-mapping.ts';
import { add, change, get, has, pm, routeFrom, transfer, undo } from '../support/rows.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'preprod', { REQUIRE_TESTED: 'true' });

async function arrived(name = 'Visit details') {
  const { staging } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { name }) };
  const field = { entity: 'form_field', id: await add(staging, 'form_field', { form: form.id }) };
  await transfer(staging, [form]);
  return { form, field };
}

const seenOf = async (key: RowKey) =>
  (await testResults.hashesWithDependents(world.preprod, [key])).get(keyText(key)) ?? '';

async function say(role: 'pm' | 'vic', key: RowKey, result: string, note = '') {
  const client = await site.as(role);
  const address = `/catalog/${key.entity}/${key.id}`;
  return client.post(`${address}/test-result`, { result, note, seen: await seenOf(key) });
}

async function sheetOf(key: RowKey) {
  const client = await site.as('pm');
  const chosen = await client.post('/selections', { rows: keyText(key) });
  return textOf((await client.get(String(chosen.headers['location']))).text);
}

test('every signed-in person may mark a row as Works in pre-production, and the transfer sheet shows who did so', async () => {
  const { form } = await arrived();
  expect(await sheetOf(form)).toContain('was not marked Works by anyone but you');
  expect((await say('vic', form, 'works', 'On iOS and Android')).status).toBe(303);
  const sheet = await sheetOf(form);
  expect(sheet).toContain('Works , says vic , for this content: On iOS and Android');
  expect(sheet).not.toContain('to resolve');
  const client = await site.as('vic');
  expect(textOf((await client.get('/arrivals')).text)).toContain('Works , says vic');
});

test('the test result of a form no longer counts after a field of the form has changed', async () => {
  const { form, field } = await arrived();
  await say('vic', form, 'works');
  await change(world.staging, field, { label: 'Newer' });
  await transfer(world.staging, [form]);
  const sheet = await sheetOf(form);
  expect(sheet).toContain('was not marked Works by anyone but you');
  expect(sheet).toContain('an earlier version was marked Works by vic');
});

test('the sheet of a transfer to production reports a problem if only the sender marked a row as Works, or anyone as Does not work', async () => {
  const { form } = await arrived();
  await say('pm', form, 'works');
  expect(await sheetOf(form)).toContain('was not marked Works by anyone but you');
  await say('vic', form, 'does-not-work', 'Crashes');
  expect(await sheetOf(form)).toContain('does not work, says vic : Crashes');
  await say('vic', form, 'works');
  expect(await sheetOf(form)).not.toContain('to resolve');
});

test('a row sent with excluded fields, or a dependent row sent alone, is refused as a combination that nobody has tested', async () => {
  const { staging, preprod } = world;
  const { form, field } = await arrived();
  await say('vic', form, 'works');
  await transfer(preprod, [form]);
  await change(staging, form, { description: 'Newer', name: 'Other name' });
  await change(staging, field, { label: 'Newer' });
  await transfer(staging, [form]);
  await say('vic', form, 'works');
  const route = { ...routeFrom(preprod), testedForSender: 'pm@example.com' };
  const reasons = async (keys: RowKey[], choices = {}) => {
    const id = await selections.create(preprod.sql, 'pm@example.com', { keys });
    const selection = await selections.find(preprod.sql, id);
    const { plan } = await prepareSheet(route, {
      ...selection,
      choices: { ...selection.choices, ...choices },
    });
    return plan.problems.map(({ reason }) => reason);
  };
  expect(await reasons([form])).toEqual([]);
  expect(await reasons([field])).toEqual(['not-tested']);
  expect(await reasons([form], { excludedFields: { [keyText(form)]: ['name'] } })).toEqual([
    'not-tested',
  ]);
  // The form itself is equal on both sides now, but another one of its fields has changed, too.
  await transfer(preprod, [form]);
  const other = { entity: 'form_field', id: await add(staging, 'form_field', { form: form.id }) };
  await change(staging, field, { label: 'Newest' });
  await transfer(staging, [form]);
  await say('vic', form, 'works');
  expect(await reasons([form])).toEqual([]);
  expect(await reasons([field])).toEqual(['not-tested']);
  expect(await reasons([field, other])).toEqual([]);
});

test('sending a dependent row without its move to another parent row is refused, because nobody has tested that combination', async () => {
  const { staging, preprod } = world;
  const { form, field } = await arrived();
  const other = { entity: 'form', id: await add(staging, 'form', { name: 'Other form' }) };
  await transfer(staging, [other]);
  for (const key of [form, other]) await transfer(preprod, [key]);
  await change(staging, field, { form: other.id, label: 'Newer' });
  await transfer(staging, [other]);
  const route = { ...routeFrom(preprod), testedForSender: 'pm@example.com' };
  const id = await selections.create(preprod.sql, 'pm@example.com', { keys: [field] });
  const selection = await selections.find(preprod.sql, id);
  const choices = { ...selection.choices, excludedFields: { [keyText(field)]: ['form'] } };
  const { plan } = await prepareSheet(route, { ...selection, choices });
  expect(plan.problems.map(({ reason }) => reason)).toContain('not-tested');
});

test('a test result is refused if the row has changed since the person opened its page', async () => {
  const { form } = await arrived();
  const client = await site.as('vic');
  const seen = await seenOf(form);
  await change(world.staging, form, { description: 'Newer' });
  await transfer(world.staging, [form]);
  const answer = await client.post(`/catalog/form/${form.id}/test-result`, {
    result: 'works',
    seen,
  });
  expect(answer.status).toBe(409);
});

test('the test status of a business does not change when the name of its linked city is mapped to another name', async () => {
  const { preprod } = world;
  await add(preprod, 'city', { name: 'Pune' });
  await add(world.staging, 'city', { name: 'Pune' });
  const cities = [{ city: 'Pune', partner: null }];
  const business = { entity: 'business', id: await add(world.staging, 'business', { cities }) };
  await transfer(world.staging, [business]);
  const before = await testResults.testStatusOf(preprod, [business]);
  await nameMapping.mapName(preprod, pm.email, { entity: 'city', name: 'Pune', there: 'Poona' });
  expect(await testResults.testStatusOf(preprod, [business])).toEqual(before);
});

test('without the setting REQUIRE_TESTED the sheet does not require test results, and in staging nobody can record one', async () => {
  const { form } = await arrived();
  const open = await openSite(world, 'preprod');
  const client = await open.as('pm');
  const chosen = await client.post('/selections', { rows: keyText(form) });
  const sheet = textOf((await client.get(String(chosen.headers['location']))).text);
  expect(sheet).toContain('This content is not tested');
  expect(sheet).not.toContain('to resolve');
  await open.close();
  const staging = await openSite(world, 'staging');
  const editor = await staging.as('pm');
  expect(
    (await editor.post(`/catalog/form/${form.id}/test-result`, { result: 'works' })).status,
  ).toBe(403);
  await staging.close();
  expect(await has(world.production, form)).toBe(false);
});

test('one test result with a note is recorded for all ticked rows of an arrived transfer, except a row that changed meanwhile', async () => {
  const { staging } = world;
  const forms: RowKey[] = [];
  for (const name of ['One', 'Two', 'Three']) {
    forms.push({ entity: 'form', id: await add(staging, 'form', { name }) });
  }
  const sent = await transfer(staging, forms);
  const seen = await Promise.all(forms.map(async (key) => `${keyText(key)} ${await seenOf(key)}`));
  const [one, two, three] = forms.map(keyText);
  await change(world.staging, forms[1] ?? { entity: 'form', id: 0 }, { description: 'Newer' });
  await transfer(staging, forms.slice(1, 2));
  const client = await site.as('vic');
  const address = `/arrivals/${sent.id}/test-results`;
  const post = (facts: object) => client.post(address, { result: 'works', seen, ...facts });
  expect((await post({ rows: [] })).status).toBe(422);
  await post({ rows: [one, two], note: 'On iOS' });
  const page = textOf((await client.get('/arrivals')).text);
  expect(page).toContain('1 row marked Works. 1 row changed since the page was shown: review it');
  const status = await testResults.testStatusOf(world.preprod, forms);
  const said = [one, two, three].map((key) => status.get(key ?? '')?.current.length);
  expect(said).toEqual([1, 0, 0]);
  expect(status.get(one ?? '')?.current).toMatchObject([{ works: 1, note: 'On iOS' }]);
});

test('after a confirmation, a test result also marks arrived rows that the page does not list, except those changed since they arrived', async () => {
  const { staging } = world;
  const forms: RowKey[] = [];
  for (let number = 1; number <= 54; number += 1) {
    forms.push({ entity: 'form', id: await add(staging, 'form', { name: `Form ${number}` }) });
  }
  const sent = await transfer(staging, forms);
  const listed = new Set(
    (await listedRows(world.preprod.sql, [sent.id])).map(({ row_id: id }) => id),
  );
  const [ticked = { entity: 'form', id: 0 }] = forms.filter(({ id }) => listed.has(id));
  const rest = forms.filter(({ id }) => !listed.has(id));
  await change(staging, rest[0] ?? ticked, { description: 'Newer' });
  await transfer(staging, rest.slice(0, 1));
  const client = await site.as('vic');
  const address = `/arrivals/${sent.id}/test-results`;
  const rows = [keyText(ticked)];
  const seen = [`${keyText(ticked)} ${await seenOf(ticked)}`];
  const posted = { result: 'works', rest: 'yes', rows, seen, note: 'On iOS “15” 🪔' };
  const asked = await client.post(address, posted);
  expect(asked.status).toBe(200);
  const question = textOf(asked.text);
  for (const part of ['Mark 4 rows Works', '3 rows not listed there', 'Not marked: 1 row']) {
    expect(question).toContain(part);
  }
  const titleOf = async (key: RowKey) => (await get(world.preprod, key))['name'] as string;
  const changed = await Promise.all(rest.slice(0, 2).map(titleOf));
  expect(asked.text).toContain(`<a href="/catalog/form/${rest[0]?.id}">${changed[0]}</a>`);
  expect(
    (await testResults.testStatusOf(world.preprod, forms)).get(rows[0] ?? '')?.current,
  ).toEqual([]);
  await change(staging, rest[1] ?? ticked, { description: 'Newer, while the page was shown' });
  await transfer(staging, rest.slice(1, 2));
  const answer = await client.post(address, {
    ...fieldsOn(asked.text, `${address}"`),
    result: 'works',
  });
  expect(answer.status).toBe(303);
  expect(textOf((await client.get('/arrivals')).text)).toContain(
    `3 rows marked Works. Not marked, because changed since the arrival: “${changed[0]}”, “${changed[1]}”.`,
  );
  const status = await testResults.testStatusOf(world.preprod, rest);
  expect(rest.map((key) => status.get(keyText(key))?.current.length)).toEqual([0, 0, 1, 1]);
});

test('the page Arrived offers neither a test nor a review for rows that were undone, came again, or are the same in production', async () => {
  const { staging, preprod } = world;
  await arrived();
  const { form: undone } = await arrived('Order details');
  const client = await site.as('pm');
  const cards = async () => {
    const { text } = await client.get('/arrivals').expect(200);
    return text
      .split('<section class="card" id="arrived-')
      .slice(1)
      .map((html) => ({
        text: textOf(html).replace(/\s+/g, ' '),
        isOffered: html.includes('Review for'),
        isTested: html.includes('value="works"'),
        ticked: html.match(/name="rows"[^>]*checked/g)?.length ?? 0,
      }));
  };
  const untested = async () => (await countPending(preprod)).untested;
  const shownUntested = async () =>
    (await cards()).reduce((sum, { text }) => sum + text.split('Not tested').length - 1, 0);
  await change(staging, undone, { description: 'Newer' });
  const sent = await transfer(staging, [undone]);
  expect([await shownUntested(), await untested()]).toEqual([2, 2]);
  await undo(staging, sent, [], 'The “old” text was right 🙈');
  const [undoCard, undoneCard, firstCard] = await cards();
  expect(undoneCard).toMatchObject({ isOffered: false, isTested: false, ticked: 0 });
  expect(undoneCard?.text).toMatch(/1 row .*Undone by pm *: The “old” text was right 🙈/);
  expect(undoneCard?.text).not.toContain('changed since');
  expect(firstCard).toMatchObject({ isOffered: false, isTested: false });
  expect(firstCard?.text).toContain('Arrived again since');
  expect(undoCard).toMatchObject({ isOffered: true, isTested: true });
  expect([await shownUntested(), await untested()]).toEqual([2, 2]);
  await transfer(preprod, [undone]);
  const [same] = await cards();
  expect(same).toMatchObject({ isOffered: false, isTested: false, ticked: 0 });
  expect(same?.text).toContain('Same in production');
  expect([await shownUntested(), await untested()]).toEqual([1, 1]);
});
