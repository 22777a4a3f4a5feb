// Tests that people can work in a copy (staging database) through the pages of staging, and that their changes stay in
// the copy.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as copies from '../../src/staging/copies.ts';
import type { Copy } from '../../src/staging/copies.ts';
import { withCopy } from '../../src/staging/databases.ts';
import { drop } from '../../src/staging/drop.ts';
import { get, add, change as changeRow } from '../support/rows.ts';
import { appOn } from '../../src/environments/app.ts';
import { insertRows } from '../../src/database/bulk.ts';
import { run, sql } from '../../src/database/sql.ts';
import { openSite, textOf, type Client, type Site } from '../support/people.ts';
import { backUp, build, client, useCopies } from '../support/staging.ts';

const world = useCopies({}, 'once');
let site: Site;
let copy: Copy;
let form: { entity: string; id: number };
const name = `${client}-lab_trial`;

beforeAll(async () => {
  site = await openSite(world, 'staging');
  form = { entity: 'form', id: await add(world.production, 'form', { name: 'Visit details' }) };
  await backUp(world.production);
}, 60_000);
afterAll(() => site.close());
beforeEach(async () => {
  const former = await copies.named(world.staging.sql, name);
  copy = former ?? (await build(world.staging));
  expect(copy.state).toBe('ready');
});

/**
 * Signs in a test browser with the permissions of this role, and opens the staging database (copy) in it. Returns the
 * browser, whose requests then work on the copy.
 */
async function inCopy(role: string): Promise<Client> {
  const browser = await site.as(role);
  const answer = await browser.post(`/databases/${name}/opening`, { to: '/catalog/form' });
  expect([answer.status, answer.headers['location']]).toEqual([303, '/catalog/form']);
  return browser;
}

/** Posts exactly these fields, which must include the CSRF token of their page. */
const send = (browser: Client, path: string, fields: Record<string, string>) =>
  browser.postRaw(
    path,
    'application/x-www-form-urlencoded',
    new URLSearchParams(fields).toString(),
  );

const inDatabase = (row = form) =>
  withCopy(world.staging, copy, (environment) => get(appOn(world.staging, environment), row));

/** Returns the fields that a browser would post from the edit page of the row `form`. `also` replaces some of them. */
async function typed(browser: Client, also: Record<string, string>) {
  const page = await browser.get(`/catalog/form/${form.id}`);
  expect(page.status).toBe(200);
  const value = (field: string) =>
    new RegExp(`name="${field}" value="([^"]*)"`).exec(page.text)?.[1] ?? '';
  return {
    csrf: value('csrf'),
    version: value('version'),
    idempotency_key: value('idempotency_key'),
    name: 'Visit details',
    ...also,
  };
}

test('S0-17 every signed-in person can open a staging database, and a bar on every page then names the open database', async () => {
  const vic = await inCopy('vic');
  const page = textOf((await vic.get('/catalog/form')).text);
  expect(page).toContain(`Copy ${name} of production`);
  expect(page).toContain('Visit details');
  expect((await vic.get('/catalog/form/new')).status).toBe(403);
});

test.each(['ed', 'pm', 'sam'])(
  'S1-01 when the test user %s edits a row in a staging database, staging and production do not change',
  async (role) => {
    const browser = await inCopy(role);
    const saved = await browser.post(
      `/catalog/form/${form.id}`,
      await typed(browser, { description: 'Only here' }),
    );
    expect(saved.status).toBe(303);
    expect((await inDatabase())['description']).toBe('Only here');
    expect((await get(world.production, form))['description']).not.toBe('Only here');
    await expect(get(world.staging, form)).rejects.toThrow();
  },
);

test('in a staging database, a list of more than 200 rows offers no bulk action for all rows, and a hand-made request for one is refused', async () => {
  await withCopy(world.staging, copy, async (environment) => {
    const business = await add(appOn(world.staging, environment), 'business');
    const one = { business_id: business, active: true, priority: 1 };
    const tasks = Array.from({ length: 201 }, (_, index) => ({
      ...one,
      id: 70_000 + index,
      title: `Many ${index}`,
      modified_at: '2026-11-01 10:00:00.000',
    }));
    await insertRows(environment.sql, 'task', tasks);
  });
  const browser = await inCopy('ed');
  expect((await browser.get('/catalog/task?q=Many')).text).not.toContain('name="everything"');
  expect((await browser.get('/catalog/task?q=Many+1')).text).toContain('name="everything"');
  const rows = 'task:70000';
  const forged = await browser.post('/bulk/task/deletion/confirmation', { digest: 'x', rows });
  expect(forged.status).toBe(422);
  expect(textOf(forged.text)).toContain('Choose the rows on their list again');
  await withCopy(world.staging, copy, ({ sql: on }) =>
    run(on, sql`delete from task where id >= 70000`),
  );
});

test('a person can add a row in a staging database: the new row gets an id that no restored row has', async () => {
  const browser = await inCopy('ed');
  const page = await browser.get('/catalog/form/new');
  const key = /name="idempotency_key" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
  const csrf = /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
  const added = await browser.post('/catalog/form', {
    csrf,
    idempotency_key: key,
    name: 'New here',
  });
  expect(added.status).toBe(303);
});

test('a form on a page of staging is refused after a staging database was opened in another tab, and the typed values are kept', async () => {
  const ed = await site.as('ed');
  const own = { entity: 'form', id: await add(world.staging, 'form', { name: 'In staging' }) };
  const page = await ed.get(`/catalog/form/${own.id}`);
  const value = (field: string) =>
    new RegExp(`name="${field}" value="([^"]*)"`).exec(page.text)?.[1] ?? '';
  await ed.post(`/databases/${name}/opening`);
  const refused = await send(ed, `/catalog/form/${own.id}`, {
    csrf: value('csrf'),
    version: value('version'),
    name: 'Typed in staging',
  });
  expect(refused.status).toBe(409);
  expect(textOf(refused.text)).toContain(
    `This page belongs to staging, and in another tab you have opened ${name}`,
  );
  expect((await get(world.staging, own))['name']).toBe('In staging');
  expect(textOf((await ed.get('/saved-form')).text)).toContain('Typed in staging');
});

describe('a staging database that is dropped while a person works in it', () => {
  test('when a staging database is dropped while a person works in it, the next page says who dropped the database, and the typed values are kept', async () => {
    const ed = await inCopy('ed');
    const fields = await typed(ed, { description: 'Typed for nothing?' });
    await drop(world.staging, copy, 'sam@example.com');
    const answer = await send(ed, `/catalog/form/${form.id}`, fields);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/saved-form']);
    const page = textOf((await ed.get('/saved-form')).text);
    expect(page).toContain(`${name} was dropped by sam`);
    expect(page).toContain('Typed for nothing?');
    expect(textOf((await ed.get('/catalog/form')).text)).not.toContain(`Copy ${name}`);
  });

  test('opening a page of a dropped staging database leads to the list of databases, which says who dropped it', async () => {
    const vic = await inCopy('vic');
    await drop(world.staging, copy, 'sam@example.com');
    const answer = await vic.get('/catalog/form');
    expect([answer.status, answer.headers['location']]).toEqual([303, '/databases']);
    expect(textOf((await vic.get('/databases')).text)).toContain(`${name} was dropped by sam`);
  });
});

describe('the people who may keep, protect and drop a staging database', () => {
  test.each(['ed', 'vic', 'pm'])(
    'S1-85 the test user %s, who did not order a staging database, may not keep, protect or drop it',
    async (role) => {
      const browser = await site.as(role);
      for (const what of ['keeping', 'protection', 'removal']) {
        expect((await browser.post(`/databases/${name}/${what}`, { days: '3' })).status).toBe(403);
      }
    },
  );

  test('a person with the permission run_staging extends and protects a staging database, and can drop it only after the protection has ended', async () => {
    const sam = await site.as('sam');
    await run(
      world.staging.sql,
      sql`update database_copy set until = utc_timestamp(3) + interval 1 day`,
    );
    await sam.post(`/databases/${name}/keeping`);
    expect(textOf((await sam.get('/databases')).text)).toMatch(/is kept until/);
    await sam.post(`/databases/${name}/protection`, { days: '30' });
    expect((await sam.post(`/databases/${name}/removal`)).status).toBe(409);
    await sam.post(`/databases/${name}/protection`, { end: 'yes' });
    expect((await sam.post(`/databases/${name}/protection`, { days: '91' })).status).toBe(422);
    expect((await sam.post(`/databases/${name}/removal`)).status).toBe(303);
    expect((await sam.post(`/databases/${name}/keeping`)).status).toBe(409);
  });
});

test('J-3 changes in a staging database cannot be transferred, and the search indexer is not notified of them', async () => {
  const pm = await inCopy('pm');
  const page = textOf((await pm.get(`/catalog/form/${form.id}`)).text);
  expect(page).not.toMatch(/Transfer to|Send to/);
  await withCopy(world.staging, copy, async (environment) => {
    const here = appOn(world.staging, environment);
    await changeRow(here, form, { description: 'Changed' });
    expect([here.destination, here.notifiesIndexer]).toEqual([null, false]);
  });
});
