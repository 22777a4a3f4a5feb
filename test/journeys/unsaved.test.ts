// Pages with unsaved values ask for confirmation before they are left, even after a refusal and after going back.
import { beforeEach, afterEach, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { find } from '../../src/rows/store.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { add, change, ed, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
let context: BrowserContext;
let page: Page;
let asked: string[];
const at = useBrowser(world);
beforeEach(async () => {
  context = await openContext(at.browser);
  page = await context.newPage();
  asked = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
});
afterEach(() => context.close());

const open = (address: string) => page.goto(at.servers.urls.staging + address);
const press = async (name: string) => {
  await page.getByRole('button', { name, exact: true }).click();
  await page.waitForLoadState();
};
const counter = () => page.locator('[data-dirty-count]').innerText();
const leave = async () => {
  await page.getByRole('link', { name: 'Oneway' }).first().click();
  await page.waitForURL((url) => url.pathname === '/');
};

test('a page that comes back with an error asks for confirmation before it is left (walk 4)', async () => {
  const id = await add(world.staging, 'form', { name: 'Order' });
  await open(`/catalog/form/${id}`);
  expect(await counter()).toBe('');
  await page.getByLabel('Name').fill('');
  expect(await counter()).toBe('1 unsaved change');
  await press('Save');
  expect(await page.title()).toContain('Error');
  expect(await counter()).toBe('Not saved yet');
  await leave();
  expect(asked).toEqual(['beforeunload']);
});

test('the page of a new row and the page of a conflict ask for confirmation before they are left (walk 4)', async () => {
  await open('/catalog/form/new');
  await page.getByLabel('Description').fill('Typed');
  await press('Save');
  expect(await counter()).toBe('Not saved yet');
  await leave();
  expect(asked).toEqual(['beforeunload']);
  const key = { entity: 'form', id: await add(world.staging, 'form', { name: 'Mine' }) };
  await open(`/catalog/form/${key.id}`);
  await change(world.staging, key, { name: 'Theirs' }, ed);
  await page.getByLabel('Name').fill('Typed');
  await press('Save');
  expect(await counter()).toBe('Not saved yet');
  await leave();
  expect(asked).toEqual(['beforeunload', 'beforeunload']);
});

test('a form outside the catalogue, such as adding a person, asks for confirmation before it is left (walk 4)', async () => {
  await context.clearCookies();
  await signIn(page, at.servers.urls.staging, 'ops@example.com', password);
  await open('/people/new');
  await page.getByLabel('E-mail').fill('nobody');
  await page.getByLabel('Name').fill('Typed');
  await page.evaluate(
    'document.querySelectorAll("form").forEach((form) => (form.noValidate = true))',
  );
  await press('Add person');
  await leave();
  expect(asked).toEqual(['beforeunload']);
});

test('a form that is discarded, saved or untouched is left without asking for confirmation (walk 4)', async () => {
  const id = await add(world.staging, 'banner', {
    start: '2026-11-30T09:00:00.000Z',
    title: 'Sale',
  });
  await open(`/catalog/banner/${id}`);
  await leave();
  await open(`/catalog/banner/${id}`);
  await page.getByLabel('Title').fill('');
  await press('Save');
  await page.getByRole('link', { name: 'Discard changes' }).click();
  await page.waitForLoadState();
  await page.getByLabel('Title').fill('Typed');
  await press('Save');
  await leave();
  expect(asked).toEqual([]);
  expect(await get(world.staging, { entity: 'banner', id })).toMatchObject({ title: 'Typed' });
});

test('a form to which a person goes back after adding a row offers to add a second row, and counts as unsaved (F14)', async () => {
  const business = await add(world.staging, 'business', { name: 'Kesar' });
  await open('/catalog/sts/new');
  await page.getByLabel('Text').fill('First');
  await page.getByLabel('Business').fill(`Kesar #${business}`);
  await press('Save');
  await page.goBack();
  await page.getByLabel('Text').fill('Second');
  await page.getByLabel('Business').fill(`Kesar #${business}`);
  await press('Save');
  if ((await page.title()).includes('Error')) {
    await page.getByRole('link', { name: /^STS \d+$/ }).waitFor();
    await press('Save');
  }
  const { rows } = await find(world.staging, entityNamed('sts'), {
    search: '',
    filters: {},
    sort: { field: 'text', descending: false },
    limit: 10,
    offset: 0,
  });
  expect(rows.map((row) => row['text'])).toEqual(['First', 'Second']);
});
