// A person who leaves a page with unsaved values is asked for confirmation, even after a refused save.
import { beforeEach, afterEach, expect, test } from 'vitest';
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
let warnings: string[];
const at = useBrowser(world);
beforeEach(async () => {
  context = await openContext(at.browser);
  page = await context.newPage();
  asked = [];
  warnings = [];
  page.on('console', (message) => warnings.push(message.text()));
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
const barPosition = () =>
  page.evaluate<string>("getComputedStyle(document.querySelector('.savebar')).position");
const barHeight = async (width: number) => {
  await page.setViewportSize({ width, height: 800 });
  return page.evaluate<number>("document.querySelector('.savebar').offsetHeight");
};
const leave = async () => {
  await page.getByRole('link', { name: 'Oneway' }).first().click();
  await page.waitForURL((url) => url.pathname === '/');
};

test('the save bar covers no field before a change, and a person who leaves after a refused save is asked for confirmation (walk 4)', async () => {
  const id = await add(world.staging, 'form', { name: 'Order' });
  await open(`/catalog/form/${id}`);
  expect([await counter(), await barPosition()]).toEqual(['', 'static']);
  await page.getByLabel('Name').fill('');
  expect([await counter(), await barPosition()]).toEqual(['1 unsaved change', 'sticky']);
  await press('Save');
  expect(await page.title()).toContain('Error');
  expect(await counter()).toBe('1 unsaved change');
  await leave();
  expect(asked).toEqual(['beforeunload']);
});

test('with unsaved changes, the save bar takes one line on a wide screen and two on a phone, and the browser’s console shows no warning', async () => {
  const id = await add(world.staging, 'form', { name: 'Bar' });
  await page.setViewportSize({ width: 1280, height: 800 });
  await open(`/catalog/form/${id}`);
  await page.getByLabel('Name').fill('Other');
  await page.getByLabel('Description').fill('Other');
  expect(await counter()).toBe('2 unsaved changes');
  expect(await barHeight(1280)).toBeLessThan(64);
  expect(await barHeight(360)).toBeLessThan(96);
  expect(warnings).toEqual([]);
});

test('leaving a form after a refused save asks for confirmation, also for a new row or a row that another user changed (walk 4)', async () => {
  await open('/catalog/form/new');
  await page.getByLabel('Description').fill('Typed');
  await press('Save');
  expect(await counter()).toBe('1 unsaved change');
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

test('a person who leaves the form of an invitation after a refused save is asked for confirmation (walk 4)', async () => {
  await context.clearCookies();
  await signIn(page, at.servers.urls.staging, 'ops@example.com', password);
  await open('/people/new');
  await page.getByLabel('E-mail').fill('nobody');
  await page.getByLabel('Name').fill('Typed');
  await press('Invite to staging');
  await leave();
  expect(asked).toEqual(['beforeunload']);
});

test('a person who leaves a discarded, saved or untouched form is not asked for confirmation (walk 4)', async () => {
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

test('the key ? opens the list of shortcuts unless shortcuts are switched off, and a search moves the focus to its results (walk 38)', async () => {
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await open('/catalog/form');
  await page.keyboard.press('?');
  await dialog.waitFor();
  await dialog.getByRole('checkbox').uncheck();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('?');
  expect(await dialog.isVisible()).toBe(false);
  await open('/search?q=order');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
});

test('a person who goes back to the form after adding a row can add a second row with this form (F14)', async () => {
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
