// A list in a browser: statuses are in view at every width without scrolling sideways, and the bar of actions appears
// when a row is ticked.
import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { insertRows } from '../../src/database/bulk.ts';
import { findingsOn, watchPolicy } from '../support/axe.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { add, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world, async () => {
  const { staging } = world;
  const business = await add(staging, 'business', {
    name: 'Diya & Daughters “Festive” Hampers 🪔',
  });
  const task = await add(staging, 'task', { business, title: 'Send a hamper to my parents today' });
  const start = '2026-12-22T00:00:00.000Z';
  const sent = await add(staging, 'banner', { title: 'First banner', business, task, start });
  await transfer(staging, [
    { entity: 'business', id: business },
    { entity: 'task', id: task },
    { entity: 'banner', id: sent },
  ]);
  const one = { business_id: business, active: true, priority: 1 };
  const tasks = Array.from({ length: 51 }, (_, number) => ({
    ...one,
    id: 900 + number,
    title: `Task ${number}`,
    modified_at: '2026-11-01 10:00:00.000',
  }));
  await insertRows(staging.sql, 'task', tasks);
  await add(staging, 'banner', { title: 'Second banner', business, task, start, end: null });
  await add(staging, 'banner', { title: 'W'.repeat(90), business, task, start, end: null });
});

const openList = async (width: number, javaScript = true) => {
  const context = await openContext(at.browser, { width, javaScript });
  const page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  await page.goto(`${at.servers.urls.staging}/catalog/banner`);
  return { context, page };
};

const overflow = (page: Page) =>
  page.evaluate<number[]>(
    "['html', '.fluid-box'].map((of) => document.querySelector(of)).map((box) => box.scrollWidth - box.clientWidth)",
  );

const searchOf = (page: Page) => page.locator('.filters input[name="q"]');

const focused = (page: Page) => page.evaluate<string>('document.activeElement.textContent.trim()');

test.each([360, 700, 1280])(
  'a list at %i pixels shows each row’s status for pre-production and for production without scrolling sideways',
  async (width) => {
    const { context, page } = await openList(width);
    expect(await overflow(page)).toEqual([0, 0]);
    for (const badge of await page.locator('tbody .badge').all()) {
      const box = await badge.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    }
    expect(await page.locator('tbody .badge').count()).toBe(6);
    expect(await searchOf(page).isVisible()).toBe(width > 640);
    await context.close();
  },
);

test('the action bar of a list appears when a row is ticked, is reached with two keys, and stays in view while the page scrolls; a list of several pages warns that ticks are not carried over', async () => {
  const { context, page } = await openList(1280);
  await page.setViewportSize({ width: 1280, height: 420 });
  const bar = page.locator('[data-bulk-bar]');
  expect(await bar.isVisible()).toBe(false);
  await page.getByLabel('Tick Second banner').check();
  await page.getByRole('button', { name: 'Transfer 1 banner' }).waitFor();
  expect(await page.getByText('1 ticked. Press Tab, then Enter, to go').count()).toBe(1);
  for (const [before = '', key = ''] of [
    ['Tab', 'Enter'],
    ['Shift+Tab', 'x'],
  ]) {
    await page.keyboard.press(before);
    const scrolled = await page.evaluate<number>('scrollY');
    await page.keyboard.press(key);
    expect(await focused(page)).toBe('Actions');
    expect(await page.evaluate<number>('scrollY')).toBe(scrolled);
  }
  expect(await page.getByRole('button', { name: /^Transfer the/ }).isVisible()).toBe(false);
  await page.getByLabel('Tick all on this page').check();
  await page.getByRole('button', { name: 'Transfer 3 banners' }).waitFor();
  await page.getByRole('button', { name: 'Transfer the 2 ready' }).waitFor();
  await page.evaluate('scrollTo(0, 250)');
  const box = await bar.boundingBox();
  expect((box?.y ?? 999) + (box?.height ?? 0)).toBeLessThanOrEqual(420);
  await page.getByLabel('Tick all on this page').uncheck();
  expect(await bar.isVisible()).toBe(false);
  await page.goto(`${at.servers.urls.staging}/catalog/task`);
  await page.getByLabel('Tick Task 7', { exact: true }).check();
  await page.getByText('1 ticked row is not carried over to another page.').waitFor();
  await page.getByLabel('Tick Task 7', { exact: true }).uncheck();
  expect(await page.getByText('not carried over').count()).toBe(0);
  await context.close();
});

test('rows that are unticked after “Act on all” was ticked are left out of the action', async () => {
  const { context, page } = await openList(1280);
  await page.goto(`${at.servers.urls.staging}/catalog/task`);
  await page.getByLabel('Tick all on this page').check();
  await page.getByLabel('Act on all 52').check();
  await page.getByLabel('Tick Task 40', { exact: true }).uncheck();
  await page.getByText('Actions', { exact: true }).click();
  await page.getByRole('button', { name: 'Mark Not for production…', exact: true }).click();
  await page.getByRole('heading', { name: 'Mark Not for production: 49 tasks' }).waitFor();
  await context.close();
});

test('without JavaScript, a list always shows its action bar, and the button “Transfer the 2 ready” opens a transfer sheet', async () => {
  const { context, page } = await openList(360, false);
  await page.getByText('Search and filter', { exact: true }).click();
  expect(await searchOf(page).isVisible()).toBe(true);
  await page.getByRole('button', { name: 'Transfer ticked banners' }).waitFor();
  await page.getByRole('button', { name: 'Transfer the 2 ready' }).click();
  await page.waitForURL(/\/selections\//);
  await page.getByText('Second banner').first().waitFor();
  await context.close();
});

test('a list with open filters and the confirmation of an action on its rows have 0 findings of the accessibility checker axe', async () => {
  const { context, page } = await openList(1280);
  const blocked = watchPolicy(page);
  await page.goto(`${page.url()}?status=New&status=Changed+here&modified_from=2026-01-01`);
  await page.getByText('2 statuses').click();
  expect(await findingsOn(page)).toEqual([]);
  await page.getByText('2 statuses').click();
  await page.getByLabel('Tick all on this page').check();
  await page.getByText('Actions', { exact: true }).click();
  expect(await findingsOn(page)).toEqual([]);
  await page.getByRole('button', { name: 'Mark Not for production…', exact: true }).click();
  await page.getByLabel('Reason').fill('After Diwali');
  expect(await findingsOn(page)).toEqual([]);
  await page.getByRole('button', { name: 'Mark Not for production: 2 banners' }).click();
  await page.getByText('2 banners marked Not for production.').waitFor();
  expect(page.url()).toContain('status=New&status=Changed+here&modified_from=2026-01-01');
  expect(await page.locator('[data-bulk-count]').innerText()).toBe('All 2 ticked.');
  expect(blocked).toEqual([]);
  await context.close();
});
