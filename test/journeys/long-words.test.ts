// Rows whose texts are one very long word: no page scrolls sideways (ui.md, 18).
import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { Content } from '../../src/catalog/entity.ts';
import { fieldEntries, type Entity } from '../../src/catalog/entity.ts';
import { textOf, type Value } from '../../src/catalog/fields.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { remove } from '../../src/editing/deletions.ts';
import { hold } from '../../src/transfers/hold.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { add, change, ed, pm, transfer, undo, writeContextOf } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
let addresses: string[];
const at = useBrowser(world, async () => {
  addresses = await fillWithLongWords();
});

let count = 0;
/**
 * Returns a word of the greatest length that a field accepts; each call returns a different one.
 */
const word = (max: number) => `${(count += 1)}`.padEnd(max, 'W');

function longValue({ kind, max }: { kind: string; max?: number | undefined }): Value | undefined {
  const longest = Math.min(max ?? 200, 2000);
  if (kind === 'text' || kind === 'long-text') return word(longest);
  if (kind === 'link') return `https://example.com/${word(longest - 20)}`;
  return kind === 'list' ? [word(longest)] : undefined;
}

const longContent = (entity: Entity): Content =>
  Object.fromEntries(
    fieldEntries(entity).flatMap(([name, field]) => {
      const value = longValue(field);
      return value === undefined ? [] : [[name, value]];
    }),
  );

async function fillWithLongWords(): Promise<string[]> {
  const { staging, preprod } = world;
  const addLong = (entity: string, more: Content = {}) =>
    add(staging, entity, { ...longContent(entityNamed(entity)), ...more });
  const city: Content = { ...longContent(entityNamed('city')), country: 'IN' };
  const partner = longContent(entityNamed('partner'));
  for (const here of [staging, preprod]) {
    await add(here, 'city', city);
    await add(here, 'partner', partner);
  }
  const cities = [{ city: textOf(city['name']), partner: textOf(partner['name']) }];
  const business = await addLong('business', { cities });
  const form = await addLong('form');
  const field = await addLong('form_field', { form, type: 'choice' });
  const task = await addLong('task', { business, form });
  const sts = await addLong('sts', { business, task });
  const banner = await addLong('banner', { business, task });
  const sent = await transfer(staging, [
    { entity: 'sts', id: sts },
    { entity: 'form_field', id: field },
  ]);
  await undo(staging, sent, [{ entity: 'sts', id: sts }], word(200));
  await change(staging, { entity: 'form', id: form }, { description: word(500) });
  await change(preprod, { entity: 'task', id: task }, { title: word(100) }, ed);
  await hold(staging, pm.email, { entity: 'banner', id: banner }, word(200));
  const gone = await addLong('sts', { business });
  await remove(writeContextOf(staging), pm, entityNamed('sts'), gone);
  const rows = Object.entries({ business, form, form_field: field, task, sts, banner });
  return rows.flatMap(([entity, id]) => [
    `/catalog/${entity}`,
    `/catalog/${entity}/${id}`,
    `/catalog/${entity}/${id}/history`,
    `/catalog/${entity}/${id}/history/1`,
    `/catalog/${entity}/${id}/deletion`,
  ]);
}

const further = [
  '/',
  '/catalog/sts?tab=deleted',
  '/catalog/banner?tab=held',
  '/catalog/city',
  '/catalog/city/1',
  '/catalog/partner/1',
  `/catalog/sts?q=${'W'.repeat(150)}`,
  '/transfers',
  '/transfers/1',
  '/transfers/2',
  '/pending',
  '/comparison',
  '/changes?hours=720',
  '/selections',
  '/messages',
  '/restores',
  '/arrivals',
  '/name-mappings',
  '/audit',
  '/jobs',
  '/outbox',
  '/search?q=WWW',
  `/search?q=${'W'.repeat(150)}`,
];

/** Returns at which widths of the window the page scrolls sideways. */
async function isWide(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 960 });
    const [content, screen] = await page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    );
    if (content > screen) found.push(`${new URL(page.url()).pathname} at ${width} px: ${content}`);
  }
  return found;
}

async function sheetOf(page: Page, address: string) {
  await page.goto(address);
  await page.getByRole('button', { name: 'Transfer…' }).first().click();
  await page.waitForLoadState();
  return isWide(page);
}

async function refusedPage(page: Page, address: string) {
  await page.goto(address);
  await page.locator('#edit input:not([type=hidden])').first().fill('W'.repeat(5000));
  await page.locator('[data-shortcut-save]').click();
  await page.waitForLoadState();
  return isWide(page);
}

test('no page scrolls sideways at 1280 px or at 320 px when it contains a very long word (F21)', async () => {
  const context = await openContext(at.browser);
  const page = await context.newPage();
  const wide: string[] = [];
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  for (const address of [...addresses, ...further]) {
    await page.goto(at.servers.urls.staging + address);
    wide.push(...(await isWide(page)));
  }
  const rows = addresses.filter(
    (address) => /\/\d+$/.test(address) && !address.includes('history'),
  );
  for (const address of rows) {
    if (!address.includes('banner'))
      wide.push(...(await sheetOf(page, at.servers.urls.staging + address)));
    wide.push(...(await refusedPage(page, at.servers.urls.staging + address)));
  }
  await signIn(page, at.servers.urls.preprod, 'pm@example.com', password);
  for (const address of ['/', '/arrivals', '/changes?hours=720', ...addresses]) {
    await page.goto(at.servers.urls.preprod + address);
    wide.push(...(await isWide(page)));
  }
  expect(wide).toEqual([]);
  await context.close();
}, 600_000);
