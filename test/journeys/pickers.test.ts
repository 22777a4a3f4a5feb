// Pickers suggest rows while a person types, by the ARIA pattern of a combobox.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BrowserContext, Page } from 'playwright-core';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { findingsOn, watchPolicy } from '../support/axe.ts';
import { password } from '../support/people.ts';
import { add, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world);
let context: BrowserContext;
let page: Page;
beforeEach(async () => {
  context = await openContext(at.browser);
  page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
});
afterEach(() => context.close());

test('a row and a city are picked with the keyboard, and the page has 0 findings of axe while the list is open (walk 19)', async () => {
  const blocked = watchPolicy(page);
  const business = await add(world.staging, 'business', { name: 'Kesar Wheels' });
  await add(world.staging, 'city', { name: 'Pune', country: 'IN' });
  await page.goto(`${at.servers.urls.staging}/catalog/task/new`);
  await page.getByLabel('Title').fill('Wash');
  const picker = page.getByRole('combobox', { name: 'Business' });
  await picker.pressSequentially('Kesar');
  await page.getByRole('option', { name: `Kesar Wheels ID ${business} · New` }).waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await picker.press('ArrowDown');
  await picker.press('Enter');
  expect(await picker.inputValue()).toBe(`Kesar Wheels #${business}`);
  const city = page.getByRole('combobox', { name: 'City 1', exact: true });
  await city.pressSequentially('pun');
  await page.getByRole('option', { name: /^Pune ID \d+ · IN$/ }).click();
  expect(await city.inputValue()).toBe('Pune');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Task added.').waitFor();
  const id = Number(/\d+$/.exec(page.url())?.[0]);
  expect(await get(world.staging, { entity: 'task', id })).toMatchObject({
    business,
    cities: [{ city: 'Pune', partner: null }],
  });
  expect(blocked).toEqual([]);
});

test('the link New beside a picker adds a row in another tab, and that row is then filled into the picker (walk 20)', async () => {
  await page.goto(`${at.servers.urls.staging}/catalog/task/new`);
  await page.getByLabel('Title').fill('Wash');
  const opening = context.waitForEvent('page');
  await page.getByRole('link', { name: /^New form/ }).click();
  const other = await opening;
  await other.getByLabel('Name', { exact: true }).fill('Wash details');
  await Promise.all([
    other.waitForEvent('close'),
    other.getByRole('button', { name: 'Save', exact: true }).click(),
  ]);
  await page.waitForFunction(
    'document.querySelector("[name=form]").value.startsWith("Wash details #")',
  );
  expect(await page.getByLabel('Title').inputValue()).toBe('Wash');
});

test('a city that is added in another tab with the link New city is filled into the first empty city input of the business', async () => {
  await page.goto(`${at.servers.urls.staging}/catalog/business/new`);
  await page.getByRole('combobox', { name: 'City 1', exact: true }).fill('Pune');
  const opening = context.waitForEvent('page');
  await page.getByRole('link', { name: /^New city/ }).click();
  const other = await opening;
  await other.getByLabel('Name', { exact: true }).fill('Nashik #2 “West”');
  await Promise.all([
    other.waitForEvent('close'),
    other.getByRole('button', { name: 'Save', exact: true }).click(),
  ]);
  const second = page.getByRole('combobox', { name: 'City 2', exact: true });
  await page.waitForFunction('document.activeElement.value === "Nashik #2 “West”"');
  expect(await second.inputValue()).toBe('Nashik #2 “West”');
  expect(await page.getByRole('combobox', { name: 'City 1', exact: true }).inputValue()).toBe(
    'Pune',
  );
  expect(await page.getByRole('link', { name: /^New partner/ }).count()).toBe(1);
});

test('a picker gets the row that its link New adds in another tab, and stays empty if the user leaves the form in that tab (walk 20)', async () => {
  await page.goto(`${at.servers.urls.staging}/catalog/task/new`);
  const open = async () => {
    const opening = context.waitForEvent('page');
    await page.getByRole('link', { name: /^New form/ }).click();
    return opening;
  };
  const other = await add(world.staging, 'form', { name: 'Not meant' });
  const left = await open();
  await left.goto(`${at.servers.urls.staging}/catalog/form`);
  await left.goto(`${at.servers.urls.staging}/catalog/form/${other}`);
  expect(await left.getByRole('heading', { level: 1 }).innerText()).toContain('Not meant');
  expect(await page.locator('[name=form]').inputValue()).toBe('');
  const closed = await open();
  await closed.getByLabel('Name', { exact: true }).fill('Wash and dry');
  await closed.getByRole('button', { name: 'Save and close' }).click();
  await closed.waitForEvent('close');
  await page.waitForFunction(
    'document.querySelector("[name=form]").value.startsWith("Wash and dry #")',
  );
});
