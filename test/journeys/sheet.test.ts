// Transfer sheets in a browser: even with many rows, their pages are short and small, and choices on them apply at
// once.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import * as selections from '../../src/sheet/selections.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { add, ed, pm, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world);

async function openSheet(keys: RowKey[], width = 1280) {
  const id = await selections.create(world.staging.sql, pm.email, { keys });
  const page = await (await openContext(at.browser, { width })).newPage();
  await signIn(page, at.servers.urls.staging, pm.email, password);
  const response = await page.goto(`${at.servers.urls.staging}/selections/${id}`);
  return { id, page, html: (await response?.text()) ?? '' };
}

test('a transfer sheet of 48 rows is less than 4,000 px high, and shows “Leave this out” only inside an opened row', async () => {
  const keys: RowKey[] = [];
  for (let number = 1; number <= 48; number += 1) {
    keys.push({ entity: 'form', id: await add(world.staging, 'form', { name: `Form ${number}` }) });
  }
  const { page } = await openSheet(keys);
  const rows = page.locator('details.step');
  expect(await rows.count()).toBe(48);
  expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThan(4000);
  const leave = rows.nth(47).getByLabel('Leave this out');
  expect(await leave.isVisible()).toBe(false);
  await rows.nth(47).locator('summary').first().click();
  expect(await leave.isVisible()).toBe(true);
  await page.context().close();
}, 120_000);

test('at a width of 360 px, the sticky bar of a transfer sheet takes less than a fifth of the window', async () => {
  const form = { entity: 'form', id: await add(world.staging, 'form', { name: 'On a phone' }) };
  const { page } = await openSheet([form], 360);
  const bar = await page.locator('.sheetbar').boundingBox();
  expect(bar?.height).toBeLessThan(960 / 5);
  await page.context().close();
}, 120_000);

test('the page of a sheet of 10,000 rows is smaller than 1 MB', async () => {
  const { staging } = world;
  const business = await add(staging, 'business');
  await transfer(staging, [{ entity: 'business', id: business }]);
  await staging.sql.query(
    `insert into task (id, title, business_id, priority, active, modified_at)
     select 100000 + seq, concat('Task ', seq), ?, 0, 1, now(3) from seq_1_to_10000`,
    [business],
  );
  const keys = Array.from({ length: 10_000 }, (_, at) => ({ entity: 'task', id: 100_001 + at }));
  const { page, html } = await openSheet(keys);
  expect(await page.locator('.sheetbar').innerText()).toContain('10,000 created');
  expect(html).toContain(keyText(keys[0] ?? { entity: 'task', id: 0 }));
  expect(Buffer.byteLength(html)).toBeLessThan(1_000_000);
  await page.context().close();
}, 300_000);

test('a tick on a transfer sheet takes effect without a click on a button, and text that is typed meanwhile is not lost', async () => {
  const { staging } = world;
  const keys: RowKey[] = [];
  for (const name of ['First', 'Second', 'Third', 'Fourth', 'Fifth']) {
    keys.push({ entity: 'form', id: await add(staging, 'form', { name }) });
  }
  const { page } = await openSheet(keys);
  expect(await page.getByRole('button', { name: 'Update sheet' }).count()).toBe(0);
  await page.locator('details.step', { hasText: 'Second' }).locator('summary').first().click();
  await page.locator('details.step', { hasText: 'Fourth' }).locator('summary').first().click();
  await page.locator('details.step', { hasText: 'Fourth' }).getByLabel('Leave this out').check();
  await page.getByLabel('Name of this transfer').pressSequentially('Typed on', { delay: 50 });
  await page.getByRole('button', { name: 'Transfer 4 rows to pre-production' }).waitFor();
  expect(await page.getByLabel('Name of this transfer').inputValue()).toBe('Typed on');
  expect(await page.locator('details.step[open]').allInnerTexts()).toEqual([
    expect.stringContaining('Second'),
  ]);
  await page.context().close();
}, 120_000);

test('while a transfer sheet updates, no tick, typed text or change by another user is lost or moved to another input', async () => {
  const { staging } = world;
  for (const name of ['Pune', 'Kochi']) await add(staging, 'city', { name });
  await add(staging, 'partner', { name: 'Metro' });
  const cities = ['Kochi', 'Pune'].map((city) => ({ city, partner: 'Metro' }));
  const keys = [{ entity: 'business', id: await add(staging, 'business', { cities }) }];
  for (const name of ['Left', 'Late', 'Kept']) {
    keys.push({ entity: 'form', id: await add(staging, 'form', { name }) });
  }
  const { page, id } = await openSheet(keys);
  const problem = (city: string) => page.locator('.solutions li', { hasText: city });
  await problem('Pune').getByLabel('or map it to').fill('Poona');
  const name = page.getByLabel('Name of this transfer');
  await page.route('**/choices', async (route) => {
    await sleep(600);
    await route.continue();
  });
  await page.locator('details.step', { hasText: '“Late”' }).locator('summary').first().click();
  await page.locator('details.step', { hasText: '“Kept”' }).locator('summary').first().click();
  const asked = page.waitForRequest('**/choices');
  await problem('Kochi').getByLabel('Create Kochi').check();
  await asked;
  await staging.sql.query('update selection set name = ? where id = ?', ['From another', id]);
  await page.locator('details.step', { hasText: '“Late”' }).getByLabel('Leave this out').check();
  await page.getByLabel('Reason').pressSequentially('Soon');
  // After “Late” is left out, the script of the page updates the sheet. The script hides the button Update sheet first,
  // and then restores open rows, scroll position and typed values.
  const updated = page.locator('form:has([data-update][hidden])', { hasNotText: '“Late”' });
  await updated.waitFor();
  expect(await page.locator('details.step', { hasText: '“Kept”' }).count()).toBe(1);
  expect(await problem('Kochi').count()).toBe(0);
  expect(await problem('Pune').getByLabel('or map it to').inputValue()).toBe('Poona');
  expect(await name.inputValue()).toBe('From another');
  expect(await page.getByLabel('Reason').inputValue()).toBe('Soon');
  await page.context().close();
}, 120_000);

test('choices made on a transfer sheet just before a click on the button Adopt this content are saved together with that click', async () => {
  const { staging } = world;
  const keys = [
    { entity: 'form', id: await add(staging, 'form', { name: 'Changed by engineering' }, ed) },
    { entity: 'form', id: await add(staging, 'form', { name: 'Left out' }) },
    { entity: 'form', id: await add(staging, 'form', { name: 'Transferred' }) },
  ];
  const { page } = await openSheet(keys);
  await page.getByLabel('Name of this transfer').fill('Named');
  await page
    .locator('details.step', { hasText: '“Left out”' })
    .getByLabel('Leave this out')
    .check();
  await page.getByRole('button', { name: 'Adopt this content' }).click();
  await page.getByText('Adopted: this content can be transferred.').waitFor();
  await page.getByRole('button', { name: 'Transfer 2 rows to pre-production' }).waitFor();
  expect(await page.getByLabel('Name of this transfer').inputValue()).toBe('Named');
  await page.context().close();
}, 120_000);
