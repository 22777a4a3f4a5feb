// A preview (a row roughly as the app shows it) opens inside its row on a transfer sheet or the page Arrived, without
// leaving that page.
import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import * as selections from '../../src/sheet/selections.ts';
import { keepImage } from '../../src/storage/images.ts';
import { watchPolicy } from '../support/axe.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { picture } from '../support/images.ts';
import { lookInto } from '../support/looking.ts';
import { password } from '../support/people.ts';
import { add, change, pm, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world);

async function openPage(name: 'staging' | 'preprod', address: string): Promise<Page> {
  const page = await (await openContext(at.browser, { width: 1280 })).newPage();
  await signIn(page, at.servers.urls[name], pm.email, password);
  await page.goto(`${at.servers.urls[name]}${address}`);
  return page;
}

async function addTask() {
  const { staging } = world;
  const icon = await keepImage(staging.storage, 'icon', await picture());
  const image = await keepImage(
    staging.storage,
    'image',
    await picture('png', { width: 600, height: 200 }),
  );
  const business = await add(staging, 'business', { name: 'Sunrise Clinic', icon });
  const form = await add(staging, 'form', { name: 'Visit details', description: 'For the desk.' });
  const options = ['Morning', 'Afternoon', 'Evening'];
  await add(staging, 'form_field', { form, label: 'Phone', type: 'phone', order: 1 });
  await add(staging, 'form_field', { form, label: 'When', type: 'choice', options, order: 2 });
  const facts = { business, form, title: 'Book a visit', message: 'We call you back.' };
  const task = await add(staging, 'task', facts);
  const banner = await add(staging, 'banner', { title: 'Free week', image, business, task });
  return { task: { entity: 'task', id: task }, banner: { entity: 'banner', id: banner } };
}

test('a preview (a row roughly as the app shows it) opens inside its row on a transfer sheet or the page Arrived, and fits on a phone', async () => {
  const { staging } = world;
  const { task, banner } = await addTask();
  await transfer(staging, [task, banner]);
  await change(staging, task, { title: 'Book a visit today' });
  const id = await selections.create(staging.sql, pm.email, { keys: [task] });
  const found: string[] = [];
  const look = lookInto(found, { height: 960 });

  const sheet = await openPage('staging', `/selections/${id}`);
  const blocked = watchPolicy(sheet);
  const address = sheet.url();
  await sheet.locator('[data-preview] summary').click();
  await sheet.locator('.previews').waitFor();
  expect(sheet.url()).toBe(address);
  const sides = await sheet.locator('.previews section').allInnerTexts();
  expect(sides[0]).toMatch(/Pre-production now[^]*Free week[^]*Book a visit\n[^]*Evening/);
  expect(sides[1]).toMatch(/After[^]*Free week[^]*Book a visit today\n[^]*Evening/);
  const [now, after] = await sheet.locator('.phone').all();
  expect((await now?.boundingBox())?.y).toBe((await after?.boundingBox())?.y);
  await look(sheet);

  const arrived = await openPage('preprod', '/arrivals');
  await arrived.locator('[data-preview] summary').first().click();
  await arrived.locator('.previews').waitFor();
  await look(arrived);
  const record = await openPage('staging', `/catalog/task/${task.id}`);
  expect(await record.locator('.phone').innerText()).toContain('Book a visit today');
  await look(record);
  expect(found).toEqual([]);
  expect(blocked).toEqual([]);
}, 120_000);
