// Tests whole tasks of users in a browser. Counts the clicks and page loads of each task, which must stay below a
// limit.
import { expect, test } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { picture } from '../support/images.ts';
import { password } from '../support/people.ts';
import { add, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world);

/** Opens a page that counts the clicks of its user and the documents that it loads. */
async function openCounted(
  role = 'pm',
  place: keyof typeof at.servers.urls = 'staging',
  size = { width: 1280, height: 800 },
) {
  const context = await openContext(at.browser, size);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const counted = { clicks: 0, loads: 0 };
  await signIn(page, at.servers.urls[place], `${role}@example.com`, password);
  await page.waitForLoadState();
  page.on('domcontentloaded', () => (counted.loads += 1));
  const click = async (target: Locator) => {
    counted.clicks += 1;
    await target.click();
  };
  return { page, counted, click, close: () => context.close() };
}

const button = (page: Page, name: string | RegExp) =>
  page.getByRole('main').getByRole('button', { name });
const inMenu = (page: Page, name: string | RegExp) =>
  page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name });

test('in at most 55 clicks and 30 page loads, a person adds ten rows, transfers them to production and undoes one of them', async () => {
  const { page, counted, click, close } = await openCounted();
  const begin = async (list: string, one: string) => {
    await click(inMenu(page, list));
    await click(
      page
        .getByRole('main')
        .getByRole('link', { name: `Add ${one}` })
        .first(),
    );
  };
  const save = async (said: string) => {
    await click(page.getByRole('button', { name: 'Save', exact: true }));
    await page.getByText(said).waitFor();
  };
  const attach = async () => {
    counted.clicks += 1;
    const file = { name: 'picture.png', mimeType: 'image/png', buffer: await picture() };
    await page.locator('input[type=file]').setInputFiles(file);
  };
  await begin('Businesses', 'business');
  await page.getByLabel('Name', { exact: true }).fill('Kesar Wheels');
  await page.getByLabel('Category').selectOption('Health');
  await attach();
  await save('Business added.');
  await begin('Forms', 'form');
  await page.getByLabel('Name', { exact: true }).fill('Laundry details');
  for (const [index, label] of ['Name', 'Phone', 'Street', 'City', 'Day', 'Note'].entries()) {
    await click(page.getByRole('button', { name: 'Add form field' }));
    const row = page.locator('[data-child]').nth(index);
    await row.getByLabel('Label').fill(label);
    counted.clicks += 1;
    await row.getByLabel('Type').selectOption('text');
  }
  await save('Form added.');
  await begin('Tasks', 'task');
  await page.getByLabel('Title').fill('Airport drop before sunrise');
  await page.locator('[name=business]').fill('Kesar Wheels');
  await page.locator('[name=form]').fill('Laundry details');
  await page.getByLabel('Title').focus();
  await save('Task added.');
  await begin('Banners', 'banner');
  await page.getByLabel('Title').fill('Fly early');
  await attach();
  await page.locator('[name=link]').fill('https://example.com/fly');
  await page.locator('[name=task]').fill('Airport drop before sunrise');
  await page.locator('[name=start]').fill('2026-12-01T09:00');
  await page.locator('[name=end]').fill('2026-12-24T18:00');
  await page.getByLabel('Title').focus();
  await save('Banner added.');

  await click(inMenu(page, /^Ready to transfer/));
  await click(page.getByLabel(/^Tick all/).first());
  await click(button(page, /^Transfer 4/));
  await click(button(page, 'Transfer 10 rows to pre-production'));
  await page.getByText('10 rows transferred to pre-production.').waitFor();
  await signIn(page, at.servers.urls.preprod, 'pm@example.com', password);
  counted.clicks += 1;
  await click(inMenu(page, /^Arrived/));
  await click(button(page, 'Review for production…'));
  await page.getByLabel('Reason').fill('The new season');
  await click(button(page, 'Transfer 10 rows to production'));
  await page.getByText('10 rows transferred to production.').waitFor();
  await click(page.getByLabel('Undo Fly early'));
  await click(button(page, /^Undo ticked rows/));
  await page.getByLabel('Reason').fill('Too early');
  await click(button(page, 'Undo 1 row in production'));
  await page.getByText('1 row undone in production.').waitFor();
  console.log(
    `business to production and one undo: ${counted.clicks} clicks, ${counted.loads} loads`,
  );
  expect(counted.clicks).toBeLessThanOrEqual(55);
  expect(counted.loads).toBeLessThanOrEqual(30);
  await close();
}, 60_000);

test('a product manager transfers 48 rows to pre-production in at most 8 clicks', async () => {
  for (let number = 1; number <= 48; number += 1) {
    await add(world.staging, 'form', { name: `Form ${number}` });
  }
  const { page, counted, click, close } = await openCounted();
  await click(inMenu(page, /^Ready to transfer/));
  await click(page.getByLabel(/^Tick all/).first());
  await click(button(page, /^Transfer \d+/));
  await click(button(page, 'Transfer 48 rows to pre-production'));
  await page.getByText('48 rows transferred to pre-production.').waitFor();
  console.log(`a release of 48 rows: ${counted.clicks} clicks, ${counted.loads} loads`);
  expect(counted.clicks).toBeLessThanOrEqual(8);
  await close();
}, 60_000);

test('an administrator invites a colleague to three environments in at most 6 clicks (walk 8)', async () => {
  const context = await openContext(at.browser, { width: 1280, height: 800 });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  for (const url of Object.values(at.servers.urls)) {
    await signIn(page, url, 'ops@example.com', password);
    await page.waitForURL((address) => !address.pathname.startsWith('/sign-in'));
  }
  await page.goto(at.servers.urls.staging);
  let clicks = 0;
  const click = async (target: Locator) => {
    clicks += 1;
    await target.click();
  };
  await click(inMenu(page, 'People'));
  await click(page.getByRole('main').getByRole('link', { name: 'Invite a colleague' }));
  await page.getByLabel('Name').fill('Ana Pereira');
  await page.getByLabel('E-mail').fill('ana@example.com');
  await click(page.getByLabel(/^Product manager/));
  for (const place of ['staging', 'pre-production', 'production']) {
    await page.getByRole('heading', { name: `Invite a colleague to ${place}` }).waitFor();
    await click(button(page, `Invite to ${place}`));
  }
  await page.getByText('Ana Pereira is invited to production.').waitFor();
  const row = (label: string) => page.getByRole('row', { name: label });
  expect(await row('Staging').textContent()).toMatch(/Invited\s+Product manager/);
  expect(await row('Pre-production').textContent()).toMatch(/Invited\s+Product manager/);
  expect(await row('Production (here)').textContent()).toMatch(/Invited\s+View only/);
  console.log(`one colleague for three environments: ${clicks} clicks`);
  expect(clicks).toBeLessThanOrEqual(6);
  await context.close();
}, 60_000);

test('an editor’s change waits until a product manager adopts and sends it, and a viewer finds in production who changed what', async () => {
  const { staging, preprod } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { name: 'Pickup details' }) };
  await transfer(staging, [form]);
  await transfer(preprod, [form]);

  const editor = await openCounted('ed');
  await editor.page.goto(`${at.servers.urls.staging}/catalog/form/${form.id}`);
  await editor.page.getByLabel('Description').fill('Ask for the floor, too');
  await editor.click(editor.page.getByRole('button', { name: 'Save', exact: true }));
  await editor.page.getByText('Form saved.').waitFor();
  expect(await button(editor.page, /^Transfer/).count()).toBe(0);
  await editor.close();

  const { page, counted, click, close } = await openCounted();
  await page.goto(`${at.servers.urls.staging}/catalog/form/${form.id}`);
  await click(button(page, 'Adopt this content'));
  await click(button(page, /^Transfer…/));
  await click(button(page, 'Transfer 1 row to pre-production'));
  await page.getByText('1 row transferred to pre-production.').waitFor();
  await signIn(page, at.servers.urls.preprod, 'pm@example.com', password);
  await click(inMenu(page, /^Arrived/));
  await click(button(page, 'Review for production…').first());
  await page.getByLabel('Reason').fill('Couriers asked for it');
  await click(button(page, 'Transfer 1 row to production'));
  await page.getByText('1 row transferred to production.').waitFor();
  console.log(`adopted and sent to production: ${counted.clicks} clicks, ${counted.loads} loads`);
  await close();

  const viewer = await openCounted('vic', 'production');
  await viewer.click(inMenu(viewer.page, 'Changes in production'));
  const told = await viewer.page.getByRole('main').textContent();
  for (const one of ['Pickup details', 'by pm', 'Couriers asked for it', 'Ask for the floor, too'])
    expect(told).toContain(one);
  console.log(`who changed what in production: ${viewer.counted.clicks} clicks`);
  expect(viewer.counted.clicks).toBeLessThanOrEqual(1);
  await viewer.close();
}, 60_000);

test('with the keyboard alone, at the width of a phone, a product manager finds a form, changes it and transfers it', async () => {
  await add(world.staging, 'form', { name: 'Gift wrapping' });
  const { page, close } = await openCounted('pm', 'staging', { width: 360, height: 740 });
  const focusOn = async (target: Locator) => {
    for (let presses = 1; presses <= 80; presses += 1) {
      await page.keyboard.press('Tab');
      if (await target.evaluate((element) => element.matches(':focus'))) return presses;
    }
    throw new Error('80 presses of Tab did not reach it');
  };
  await page.keyboard.press('/');
  await page.waitForURL(/search$/);
  await page.locator('#q:focus').waitFor();
  await page.keyboard.type('Gift wrapping');
  await page.keyboard.press('Enter');
  await page.waitForURL(/search\?/);
  const toHit = await focusOn(page.getByRole('main').getByRole('link', { name: /Gift wrapping/ }));
  await page.keyboard.press('Enter');
  await page.getByLabel('Description').focus();
  await page.keyboard.type('Ribbons in three colours');
  await page.keyboard.press('Control+s');
  await page.getByText('Form saved.').waitFor();
  await focusOn(button(page, /^Transfer…/));
  await page.keyboard.press('Enter');
  const send = button(page, 'Transfer 1 row to pre-production');
  await send.waitFor();
  const toSend = await focusOn(send);
  await page.keyboard.press('Enter');
  await page.getByText('1 row transferred to pre-production.').waitFor();
  console.log(`by keyboard: ${toHit} presses of Tab to the first hit, ${toSend} to send`);
  expect(toHit).toBeLessThanOrEqual(10);
  await close();
}, 60_000);
