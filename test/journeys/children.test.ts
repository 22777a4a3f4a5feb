// The dependent rows of a row are edited in the browser on the page of their parent row.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BrowserContext, Page } from 'playwright-core';
import { entityNamed } from '../../src/catalog/index.ts';
import { textOf } from '../../src/catalog/fields.ts';
import { readBy } from '../../src/rows/store.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { findingsOn, watchPolicy } from '../support/axe.ts';
import { password } from '../support/people.ts';
import { add } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world);
let context: BrowserContext;
let page: Page;
let form: number;
beforeEach(async () => {
  context = await openContext(at.browser);
  page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  form = await add(world.staging, 'form');
  for (const [index, label] of ['Name', 'Phone'].entries()) {
    await add(world.staging, 'form_field', { form, label, order: index + 1 });
  }
  await page.goto(`${at.servers.urls.staging}/catalog/form/${form}`);
});
afterEach(() => context.close());

const fields = async () => {
  const rows = await readBy(world.staging, entityNamed('form_field'), 'form', [form]);
  return rows
    .toSorted((one, other) => Number(one['order']) - Number(other['order']))
    .map((row) => [row['order'], textOf(row['label']), row['options']]);
};
const row = (index: number) => page.locator('[data-child]').nth(index);
const save = async () => {
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Form saved.').waitFor();
};

test('dependent rows are added, duplicated, moved and removed on the page of their parent row, and saved with one click', async () => {
  const blocked = watchPolicy(page);
  await page.getByRole('button', { name: 'Add form field' }).click();
  await row(2).getByLabel('Label').fill('Colour');
  await row(2).getByLabel('Type').selectOption('text');
  expect(await row(2).getByLabel('Validation').isVisible()).toBe(true);
  expect(await row(2).getByRole('group', { name: 'Options' }).isVisible()).toBe(false);
  await row(2).getByLabel('Type').selectOption('choice');
  expect(await row(2).getByLabel('Validation').isVisible()).toBe(false);
  await row(2).getByRole('button', { name: 'Add to Options' }).click();
  await page.keyboard.type('Red');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Blue');
  await row(2).getByRole('button', { name: 'Move up', exact: true }).nth(1).click();
  expect(await page.locator('[data-dirty-count]').innerText()).toBe('1 unsaved change');
  expect(await findingsOn(page)).toEqual([]);
  await row(2)
    .getByRole('button', { name: /^Duplicate/ })
    .click();
  await row(3).getByLabel('Label').fill('Second colour');
  await row(1).getByRole('button', { name: 'Move Phone up' }).click();
  await row(1).getByLabel('Remove Name').check();
  expect(await page.locator('[data-dirty-count]').innerText()).toMatch(/unsaved changes/);
  await save();
  expect(await fields()).toEqual([
    [1, 'Phone', []],
    [3, 'Colour', ['Blue', 'Red']],
    [4, 'Second colour', ['Blue', 'Red']],
  ]);
  expect(blocked).toEqual([]);
});

test('a dependent row is dragged to another position on the page of its parent row', async () => {
  const grip = row(1).locator('[data-child-grip]');
  await grip.dragTo(row(0), { targetPosition: { x: 40, y: 4 } });
  await save();
  expect((await fields()).map(([, label]) => label)).toEqual(['Phone', 'Name']);
});

test('the key Enter saves the page of a row, and does not press a button of one of its dependent rows', async () => {
  await page.getByLabel('Name', { exact: true }).first().press('Enter');
  await page.getByText('There was nothing to save').waitFor();
});

test('a duplicated dependent row contains neither the typed nor the stored secret of the original row', async () => {
  const business = await add(world.staging, 'business');
  await add(world.staging, 'external_tool', { business, name: 'Calendar', key: 'stored-key' });
  await page.goto(`${at.servers.urls.staging}/catalog/business/${business}`);
  await row(0).locator('summary').click();
  await row(0).locator('[type=password]').fill('typed-key');
  await row(0)
    .getByRole('button', { name: /^Duplicate/ })
    .click();
  expect(await row(1).getByLabel('Name').inputValue()).toBe('Calendar');
  expect(await row(1).locator('[type=password]').inputValue()).toBe('');
  expect(await row(1).getByText('Leave this empty to keep it').count()).toBe(0);
  expect(await row(1).getByLabel('Remove the key').count()).toBe(0);
});

test('dragging a link or a selected text in a dependent row does not move the row', async () => {
  await page.evaluate(`(() => {
    const [first, second] = document.querySelectorAll('[data-child]');
    const send = (to, type) =>
      to.dispatchEvent(new DragEvent(type, { bubbles: true, dataTransfer: new DataTransfer() }));
    for (const from of [second.querySelector('a'), second.querySelector('summary span').firstChild]) {
      send(from, 'dragstart');
      send(first, 'dragover');
      send(from, 'dragend');
    }
  })()`);
  expect(await row(0).locator('[data-child-name]').innerText()).toBe('Name');
});
