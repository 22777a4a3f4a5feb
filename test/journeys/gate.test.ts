// The pages that a browser shows while a database is being migrated or has another version than the program, and how
// the person continues afterwards.
import { expect, test } from 'vitest';
import { currentVersion } from '../../src/version/db-version.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { findingsOn, watchPolicy } from '../support/axe.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { add, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world);

const supported = currentVersion();

test('S2-23 S2-55 a save during a database migration shows the page “Updating the application”; the typed values reappear after sign-in', async () => {
  const { staging } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { name: 'Visit details' }) };
  const context = await openContext(at.browser);
  const page = await context.newPage();
  const blocked = watchPolicy(page);
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  await page.goto(`${at.servers.urls.staging}/catalog/form/${form.id}`);
  await page.getByLabel('Description').fill('Half an hour of typing 🖋️');
  await writeVersion(staging.documents, {
    databaseVersion: supported,
    isUpdating: true,
    since: new Date().toISOString(),
  });
  await page.waitForTimeout(2100);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('heading', { name: 'Updating the application' }).waitFor();
  expect(await findingsOn(page)).toEqual([]);
  expect((await get(staging, form))['description']).toBeNull();
  await writeVersion(staging.documents, { databaseVersion: supported, isUpdating: false });
  // The page opens the sign-in page by itself when the update has ended.
  await page.getByRole('button', { name: 'Sign in' }).waitFor({ timeout: 15_000 });
  await page.getByLabel('E-mail').fill('pm@example.com');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Your unsaved form' }).waitFor();
  expect(await findingsOn(page)).toEqual([]);
  expect(await page.locator('main').textContent()).toContain('Half an hour of typing 🖋️');
  await page.getByRole('button', { name: 'Send it now' }).click();
  await page.getByText('Form saved.').waitFor();
  expect((await get(staging, form))['description']).toBe('Half an hour of typing 🖋️');
  expect(blocked).toEqual([]);
  await context.close();
}, 60_000);

test('S2-21 S2-22 when program and database have different versions, the page “Update application” names the database’s version', async () => {
  const { staging } = world;
  const context = await openContext(at.browser, { width: 320 });
  const page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'vic@example.com', password);
  await writeVersion(staging.documents, { databaseVersion: '0.9.0', isUpdating: false });
  await page.waitForTimeout(2100);
  await page.goto(`${at.servers.urls.staging}/catalog/task`);
  await page.getByRole('heading', { name: 'Update application' }).waitFor();
  expect(await page.locator('main').textContent()).toContain('0.9.0');
  expect(await findingsOn(page)).toEqual([]);
  await writeVersion(staging.documents, { databaseVersion: supported, isUpdating: false });
  await page.waitForTimeout(2100);
  await page.getByRole('link', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await context.close();
}, 60_000);

test('S2-54 if the database does not record its version, pages can be read, and a bar explains why nothing can be saved', async () => {
  const { staging } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { name: 'Other details' }) };
  const context = await openContext(at.browser);
  const page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  await staging.documents.collection('metadata').deleteMany({});
  await page.waitForTimeout(2100);
  await page.goto(`${at.servers.urls.staging}/catalog/form/${form.id}`);
  await page.getByText('Nothing can be saved right now.').waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await page.getByLabel('Description').fill('Typed');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('missing or malformed').waitFor();
  expect((await get(staging, form))['description']).toBeNull();
  await writeVersion(staging.documents, { databaseVersion: supported, isUpdating: false });
  await context.close();
}, 60_000);
