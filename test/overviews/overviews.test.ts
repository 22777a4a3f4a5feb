// Overview pages show pending rows, how many rows have each status, recent changes, and a row as it was at any time in
// the past.
import { describe, expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import { run, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { changesSince } from '../../src/overviews/changes.ts';
import { requestComparison, latestComparisons } from '../../src/comparison/job.ts';
import { tasks } from '../../src/tasks.ts';
import { matrix, idsInMatrix } from '../../src/comparison/matrix.ts';
import { ageOf, allPending } from '../../src/state/pending-entries.ts';
import * as marks from '../../src/transfers/hold.ts';
import { recordTestResults, hashesWithDependents } from '../../src/state/test-results.ts';
import type { Status } from '../../src/state/status.ts';
import { killedAt, recoverNow } from '../support/killing.ts';
import { openSite, textOf } from '../support/people.ts';
import {
  add,
  change,
  ed,
  get,
  writeContextOf,
  pm,
  sheet,
  transfer,
  undo,
} from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

/** Compares all rows of this environment with those of the next one; returns the number of compared rows. */
async function compareAll(here: App) {
  const ended = await runJob(here, tasks, (await requestComparison(here, pm.email)).job.id);
  expect(ended?.problem).toBeNull();
  return ended?.done_count;
}

const world = useWorld();

const formKey = async (facts = {}, by = pm): Promise<RowKey> => ({
  entity: 'form',
  id: await add(world.staging, 'form', facts, by),
});

describe('lists of pending rows, whose changes were not sent to the next environment yet', () => {
  test('pending rows are listed in four groups: ready to transfer, needing review, changed by engineers, and not for production', async () => {
    const { staging, preprod } = world;
    const [ready, theirs, held, both, undone] = [
      await formKey(),
      await formKey({}, ed),
      await formKey(),
      await formKey(),
      await formKey(),
    ];
    await marks.hold(staging, pm.email, held, 'A test');
    await transfer(staging, [both, undone]);
    await change(preprod, both, { description: 'There' });
    await change(staging, both, { description: 'Here' });
    await compareAll(staging);
    await change(staging, undone, { description: 'Newer' });
    await undo(staging, await transfer(staging, [undone]), [], 'too early');
    const found = new Map(
      (await allPending(staging.sql)).map((row) => [keyText(row.key), row] as const),
    );
    expect(found.get(keyText(ready))).toMatchObject({ group: 'ready', status: 'New' });
    expect(found.get(keyText(theirs))).toMatchObject({ group: 'engineering', why: ed.email });
    expect(found.get(keyText(held))).toMatchObject({
      group: 'held',
      why: 'pm@example.com: A test',
    });
    expect(found.get(keyText(both))).toMatchObject({ group: 'look', status: 'Changed on both' });
    expect(found.get(keyText(undone))).toMatchObject({
      group: 'look',
      why: 'undone by pm@example.com: too early',
    });
    const site = await openSite(world, 'staging');
    const client = await site.as('vic');
    const text = textOf((await client.get('/pending')).text);
    for (const word of ['Ready to transfer 1', 'Needs review 2', 'Engineering changes 1']) {
      expect(text).toContain(word);
    }
    expect(text).toContain('Overwrites a change');
    const other = textOf((await client.get('/pending?person=ed@example.com')).text);
    expect(other).toContain('Ready to transfer 0');
    const ofForms = textOf((await client.get('/pending?entity=form&person=pm@example.com')).text);
    expect(ofForms).toContain('Forms 1 None None');
    expect(other).toContain('Forms None None None');
    await site.close();
  });

  test('a row with changed dependent rows counts as one pending row, and pending rows are grouped by age: today, this week, longer', async () => {
    const { staging } = world;
    const form = await formKey();
    await transfer(staging, [form]);
    await add(staging, 'form_field', { form: form.id });
    const waits = await allPending(staging.sql);
    expect(waits.map(({ key, status }) => [keyText(key), status])).toEqual([
      [keyText(form), 'Changed here'],
    ]);
    const days = (number: number) =>
      new Date(Date.now() - number * 86_400_000).toISOString().replace('T', ' ').replace('Z', '');
    expect([0.5, 3, 30].map((number) => ageOf(days(number)))).toEqual([
      'today',
      'this week',
      'longer',
    ]);
  });
});

describe('full comparisons of an environment with the next one', () => {
  const compare = () => compareAll(world.staging);
  const numbers = async () => {
    const found: Record<string, number> = {};
    for (const [entity, own] of await matrix(world.staging.sql)) {
      for (const [status, number] of own) found[`${entity} ${status}`] = number;
    }
    return found;
  };

  test('a full comparison of two environments counts the rows of each status exactly, even rows that direct SQL changed', async () => {
    const { staging, preprod } = world;
    const [same, mine, theirs, gone, goneThere] = [
      await formKey(),
      await formKey(),
      await formKey(),
      await formKey(),
      await formKey(),
    ];
    await transfer(staging, [same, mine, theirs, gone, goneThere]);
    await formKey();
    await change(staging, mine, { description: 'Mine' });
    await remove(writeContextOf(staging), pm, entityNamed('form'), gone.id);
    const forms = preprod.documents.collection<{ _id: number; [field: string]: unknown }>('form');
    await forms.updateOne({ _id: theirs.id }, { $set: { description: 'Past it' } });
    await forms.deleteOne({ _id: goneThere.id });
    await forms.insertOne({ _id: 1_000_000_007, name: 'Made there', description: null });
    expect(await compare()).toBeGreaterThan(0);
    expect(await numbers()).toEqual({
      'form In sync': 1,
      'form New': 1,
      'form Changed here': 1,
      'form Changed there': 1,
      'form Deleted here': 1,
      'form Deleted there': 1,
      'form Only there': 1,
    });
    const only = { entity: 'form', status: 'Only there' as Status };
    expect(await idsInMatrix(staging.sql, only, { after: 0, limit: 10 })).toEqual([1_000_000_007]);
    await forms.deleteOne({ _id: 1_000_000_007 });
    await compare();
    expect((await numbers())['form Only there']).toBeUndefined();
  });

  test('a full comparison of two environments finds rows that were inserted into a database without Oneway', async () => {
    const { staging } = world;
    await staging.documents
      .collection<{ _id: number; [field: string]: unknown }>('form')
      .insertOne({ _id: 77, name: 'From before', description: null });
    expect(await numbers()).toEqual({});
    await compare();
    expect(await numbers()).toEqual({ 'form New': 1 });
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const text = textOf((await client.get('/comparison?entity=form&status=New')).text);
    expect(text).toContain('From before');
    expect(text).toContain('All rows of staging were compared with pre-production just now');
    await site.close();
  });

  test('after a crash while a row was being deleted, a full comparison of two environments still counts the row as deleted', async () => {
    const { staging, variables } = world;
    const form = await formKey();
    await transfer(staging, [form]);
    const task = { do: 'delete', key: form } as const;
    await killedAt(variables.staging, task, { point: 'committed', times: 1 });
    await compare();
    await recoverNow(staging);
    expect((await numbers())['form Deleted here']).toBe(1);
  });

  test('a full comparison of two environments covers thousands of rows, and rows that exist in only one of the environments', async () => {
    const { staging, preprod } = world;
    const forms = (here: typeof staging) =>
      here.documents.collection<{ _id: number; [field: string]: unknown }>('form');
    const of = (from: number, count: number) =>
      Array.from({ length: count }, (_one, index) => ({
        _id: from + index,
        name: `Form ${from + index}`,
        description: null,
      }));
    await forms(staging).insertMany(of(1, 2500));
    await forms(preprod).insertMany(of(1001, 2500));
    expect(await compare()).toBe(5000);
    expect(await numbers()).toEqual({
      'form In sync': 1500,
      'form New': 1000,
      'form Only there': 1000,
    });
    const rows = await idsInMatrix(
      staging.sql,
      { entity: 'form', status: 'New' },
      { after: 900, limit: 50 },
    );
    expect([rows.length, rows[0]]).toEqual([50, 901]);
  });

  test('two requests to compare all rows of two environments share one job while that job has not ended', async () => {
    const { staging } = world;
    const [one, other] = [
      await requestComparison(staging, pm.email),
      await requestComparison(staging, pm.email),
    ];
    expect([one.isNew, other.isNew, other.job.id]).toEqual([true, false, one.job.id]);
    await run(
      staging.sql,
      sql`update job set state = 'running', attempt = 1, alive_at = utc_timestamp(3) - interval 1 minute`,
    );
    expect((await latestComparisons(staging.sql)).whole).toBeUndefined();
    expect(await runJob(staging, tasks, one.job.id)).toMatchObject({ state: 'done', attempt: 2 });
    expect((await latestComparisons(staging.sql)).whole?.id).toBe(one.job.id);
  });
});

test('the changes page for production lists the fields, tester and reason of each change, and a product manager can undo the change', async () => {
  const { staging, preprod, production } = world;
  const [one, other] = [await formKey(), await formKey()];
  await transfer(staging, [one, other]);
  await transfer(preprod, [one, other]);
  for (const key of [one, other]) await change(staging, key, { description: 'Newer' });
  await transfer(staging, [one, other]);
  const seen = (await hashesWithDependents(preprod, [one])).get(keyText(one)) ?? '';
  await recordTestResults(preprod, 'quinn@example.com', [{ key: one, seen }], {
    works: true,
    note: null,
  });
  await transfer(preprod, [one, other]);
  const site = await openSite(world, 'preprod');
  const client = await site.as('pm');
  const page = await client.get('/changes?hours=4');
  const text = textOf(page.text);
  expect(text).toContain('What changed in production?');
  expect(text).toContain('Reason: Checked with the shop');
  expect(text).toMatch(/Description\s+Empty\s+Newer/);
  expect(text).toContain('Works, said quinn@example.com');
  expect(text).toContain('Not tested');
  const action = /action="(\/transfers\/\d+\/undo)"/.exec(page.text)?.[1] ?? '';
  const chosen = await client.post(action, { rows: keyText(other) });
  const undoing = textOf((await client.get(String(chosen.headers['location']))).text);
  expect(undoing).toContain('Undo 1 row in production');
  const viewer = await site.as('vic');
  expect((await viewer.get('/changes')).text).not.toContain('Undo this row');
  await site.close();
  expect((await get(production, one))['description']).toBe('Newer');
});

test('the changes page shows at most five rows of a large transfer, the number of its other rows, and the changes of chosen days', async () => {
  const { staging, preprod } = world;
  const early = await formKey({ name: 'Sent before' });
  await transfer(staging, [early]);
  const keys = [];
  for (let one = 1; one <= 8; one += 1) keys.push(await formKey());
  await transfer(staging, keys);
  const site = await openSite(world, 'staging');
  const client = await site.as('pm');
  const page = (await client.get('/changes?hours=4')).text;
  const text = textOf(page);
  const today = new Date().toISOString().slice(0, 10);
  const ofToday = textOf((await client.get(`/changes?from=${today}&to=${today}`)).text);
  const untilLater = textOf((await client.get('/changes?from=2020-01-01&to=2099-01-01')).text);
  const longAgo = textOf((await client.get('/changes?from=2020-01-01&to=2020-03-01')).text);
  const backwards = textOf((await client.get('/changes?from=2020-03-01&to=2020-01-01')).text);
  await site.close();
  expect(backwards).toContain('From is after Until.');
  expect(backwards).not.toContain('Nothing changed in');
  expect(page).toContain('Changes in pre-production</span>');
  expect(text).toMatch(/Transfer \d+/);
  expect(ofToday).toContain('Sent before');
  expect(untilLater).toContain('Sent before');
  expect(longAgo).toContain('until 1 Mar 2020, the last 31 days of this period');
  expect(longAgo).toContain('Nothing changed in pre-production in this time.');
  expect(text).toMatch(/3 more rows\s+with it\.\s+All rows of transfer \d+/);
  expect(text).toContain('Sent before');
  const asked = { hours: 4, limit: 5 };
  const { next } = await changesSince(preprod, { ...asked, before: null });
  const older = await changesSince(preprod, { ...asked, before: next });
  expect(older.changes.map(({ arrival }) => arrival.title)).toContain('Sent before');
});

test('the history shows a row as it was at a chosen time, with its dependent rows of that time', async () => {
  const { staging } = world;
  const form = await formKey({ description: 'At first' });
  const field = await add(staging, 'form_field', { form: form.id, label: 'Old label' });
  const [lines] = await staging.sql.query('select max(id) as id from arrival');
  const then = (lines as { id: number }[])[0]?.id;
  await change(staging, form, { description: 'Later' });
  await remove(writeContextOf(staging), pm, entityNamed('form_field'), field);
  const site = await openSite(world, 'staging');
  const client = await site.as('vic');
  const text = textOf((await client.get(`/catalog/form/${form.id}/history/${then}`)).text);
  expect(text).toContain('At first');
  expect(text).toContain('Old label');
  expect(text).not.toContain('Later');
  await site.close();
});

describe('restoring rows from production to staging', () => {
  test('a row deleted in staging is restored from production under its id, through the transfer sheet', async () => {
    const { staging, preprod } = world;
    const form = await formKey({ description: 'Kept' });
    const field = { entity: 'form_field', id: await add(staging, 'form_field', { form: form.id }) };
    await transfer(staging, [form]);
    await transfer(preprod, [form]);
    await remove(writeContextOf(staging), pm, entityNamed('form'), form.id);
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const chosen = await client.post('/restores/choice', { entity: 'form', id: form.id });
    const address = String(chosen.headers['location']);
    const page = await client.get(address);
    expect(textOf(page.text)).toContain('Restore 2 rows into staging');
    const hidden = (name: string) =>
      new RegExp(`name="${name}" value="([^"]+)"`).exec(page.text)?.[1];
    const done = await client.post('/restores', {
      selection: hidden('selection'),
      plan: hidden('plan'),
      idempotency_key: hidden('idempotency_key'),
    });
    expect(done.status).toBe(303);
    expect((await get(staging, form))['description']).toBe('Kept');
    expect((await get(staging, field))['form']).toBe(form.id);
    const { plan } = await sheet(staging, [form]);
    expect(plan.steps.map(({ action }) => action)).toEqual(['same', 'same']);
    const editor = await site.as('ed');
    expect((await editor.get('/restores')).status).toBe(403);
    await site.close();
  });

  test('restoring a row that changed in staging requires a typed confirmation', async () => {
    const { staging, preprod } = world;
    const form = await formKey();
    await transfer(staging, [form]);
    await transfer(preprod, [form]);
    await change(staging, form, { description: 'Mine' });
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const chosen = await client.post('/restores/choice', { entity: 'form', id: form.id });
    const text = textOf((await client.get(String(chosen.headers['location']))).text);
    expect(text).toContain('type “overwrite”');
    await site.close();
  });
});
