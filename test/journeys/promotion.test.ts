// The main use case in a real browser: a changed row is transferred from staging to pre-production, and from there to
// production.
import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { add, get, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world);

const enter = (page: Page, name: 'staging' | 'preprod' | 'production', role: string) =>
  signIn(page, at.servers.urls[name], `${role}@example.com`, password);

test('S0-04 S0-14 S0-15 S0-16 S0-17 S0-32 S0-37 a product manager edits a form and its task, and transfers both to pre-production and then to production', async () => {
  const { staging, preprod, production } = world;
  const business = await add(staging, 'business', { name: 'Sunrise Clinic' });
  const form = { entity: 'form', id: await add(staging, 'form', { name: 'Visit details' }) };
  const task = {
    entity: 'task',
    id: await add(staging, 'task', { business, form: form.id, title: 'Book a visit' }),
  };
  await transfer(staging, [task, form]);
  await transfer(preprod, [task, form]);
  const before = (await get(production, task)).modified_at;

  const context = await openContext(at.browser);
  const page = await context.newPage();
  await enter(page, 'staging', 'pm');
  await page.goto(`${at.servers.urls.staging}/catalog/form/${form.id}`);
  await page.getByLabel('Description').fill('What the doctor needs to know 🩺');
  expect(await page.locator('[data-dirty-count]').textContent()).toBe('1 unsaved change');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Form saved.').waitFor();
  await page.goto(`${at.servers.urls.staging}/catalog/task/${task.id}`);
  await page.getByLabel('Title').fill('Book a doctor’s visit');
  await page.keyboard.press('Control+s');
  await page.getByText('Task saved.').waitFor();

  await page.goto(`${at.servers.urls.staging}/catalog/task?tab=ready`);
  await page.getByLabel('Tick Book a doctor’s visit').check();
  await page.getByRole('button', { name: 'Transfer 1 task' }).click();
  await page.getByRole('checkbox', { name: /Also send form “Visit details”/ }).check();
  await page.getByLabel('Name of this transfer').fill('Doctor wording');
  await page.getByRole('button', { name: 'Transfer 2 rows to pre-production' }).click();
  await page.getByText('2 rows transferred to pre-production.').waitFor();

  await enter(page, 'preprod', 'pm');
  await page.goto(`${at.servers.urls.preprod}/catalog/task/${task.id}`);
  expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0);
  await page.goto(`${at.servers.urls.preprod}/arrivals`);
  const arrived = page.locator('section', { hasText: 'Doctor wording' });
  await arrived.getByRole('button', { name: 'Review for production…' }).click();
  const reminder = page.getByRole('link', { name: 'Reason required' });
  await reminder.click();
  await page.keyboard.type('Agreed with the clinic');
  expect(await page.getByLabel('Reason').inputValue()).toBe('Agreed with the clinic');
  expect(await reminder.isVisible()).toBe(false);
  await page.getByRole('button', { name: 'Transfer 2 rows to production' }).click();
  await page.getByText('2 rows transferred to production.').waitFor();

  await enter(page, 'production', 'vic');
  await page.goto(`${at.servers.urls.production}/catalog/task/${task.id}`);
  await page.getByText('You are viewing production. It is read only.').waitFor();
  expect(await page.getByText('Book a doctor’s visit').count()).toBeGreaterThan(0);
  expect(await page.locator('main').locator('input, textarea, select, button').count()).toBe(0);
  const after = await get(production, task);
  expect(after['title']).toBe('Book a doctor’s visit');
  expect(after.modified_at > before).toBe(true);
  expect((await get(production, form))['description']).toBe('What the doctor needs to know 🩺');
  await context.close();
});

test.each(['ed', 'vic'])(
  'S0-21 S0-22 S0-23 a person without the right to transfer (%s) sees no transfer button, and the URL of a transfer answers 403',
  async (role) => {
    const id = await add(world.staging, 'form');
    const context = await openContext(at.browser);
    const page = await context.newPage();
    for (const name of ['staging', 'preprod'] as const) {
      await enter(page, name, role);
      await page.goto(`${at.servers.urls[name]}/catalog/form`);
      expect(await page.getByRole('button', { name: /^Transfer/ }).count()).toBe(0);
    }
    await page.goto(`${at.servers.urls.staging}/catalog/form/${id}`);
    expect(await page.getByRole('button', { name: /^Transfer/ }).count()).toBe(0);
    const answer = await page.goto(
      `${at.servers.urls.staging}/selections/00000000-0000-7000-8000-000000000000`,
    );
    expect(answer?.status()).toBe(403);
    await page.getByText('product manager').first().waitFor();
    await context.close();
  },
);

test('a person who leaves a page with unsaved changes is asked for confirmation', async () => {
  const id = await add(world.staging, 'form');
  const context = await openContext(at.browser);
  const page = await context.newPage();
  await enter(page, 'staging', 'pm');
  await page.goto(`${at.servers.urls.staging}/catalog/form/${id}`);
  await page.getByLabel('Description').fill('Half a sentence');
  let asked = '';
  page.on('dialog', (dialog) => {
    asked = dialog.type();
    void dialog.dismiss();
  });
  await page.getByRole('link', { name: 'Tasks' }).first().click();
  expect(asked).toBe('beforeunload');
  await page.getByRole('button', { name: 'Transfer…' }).click();
  expect(await page.locator('[data-dirty-count]').textContent()).toContain('Save or discard');
  expect(await page.getByLabel('Description').inputValue()).toBe('Half a sentence');
  await context.close();
});
