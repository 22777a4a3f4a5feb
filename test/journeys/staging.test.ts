// The whole story of a staging database in a real browser: a person requests it in production, gets its link by e-mail,
// opens it on staging, edits a row in it, and drops it. On every page the accessibility checker axe finds nothing, and
// the page fits on a phone.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import * as environments from '../../src/staging/environments.ts';
import { watchPolicy } from '../support/axe.ts';
import { openBrowser, openContext, signIn } from '../support/browser.ts';
import { picture } from '../support/images.ts';
import { useOrdering } from '../support/ordering.ts';
import { lookInto } from '../support/looking.ts';
import { password } from '../support/people.ts';
import { add, get } from '../support/rows.ts';
import { backUp, client, useCopies } from '../support/staging.ts';

const world = useCopies({}, 'once');
const both = useOrdering(world);
let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
}, 60_000);
afterAll(() => browser.close());

const found: string[] = [];

const look = lookInto(found, { height: 4000 });

/** Runs the chores that the servers run every few seconds, until the page shows a text. */
async function untilShown(page: Page, text: string) {
  for (let look = 0; look < 100; look += 1) {
    await both.now.chores();
    await page.reload();
    if ((await page.getByText(text, { exact: true }).count()) > 0) return;
  }
  throw new Error(`“${text}” did not appear`);
}

test('S1-31 S1-38 S1-39 S1-91 J-2 J-3 a person requests a staging database, opens it by the link in the e-mail, edits a business in it and drops it', async () => {
  const { servers, production, mail } = both.now;
  const business = {
    entity: 'business',
    id: await add(world.production, 'business', { name: 'Clinic' }),
  };
  await add(world.staging, 'business', { name: 'Of staging' });
  await backUp(world.production);
  await environments.add(production, 'ops@example.com', {
    name: 'Lab',
    url: servers.urls.staging,
    client,
    level: 'lab',
    token: world.variables.staging['NUMIKUBE_STAGING_TOKEN'] ?? '',
  });
  const context = await openContext(browser, { height: 4000 });
  const page = await context.newPage();
  const blocked = watchPolicy(page);
  const [above, below] = [servers.urls.production, servers.urls.staging];

  await signIn(page, above, 'ops@example.com', password);
  await page.goto(`${above}/staging/environments`);
  await look(page);
  await page.getByRole('link', { name: 'Lab', exact: true }).click();
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByText('Lab answers, and the token is right.').waitFor();
  await look(page);

  await context.clearCookies();
  await signIn(page, above, 'sam@example.com', password);
  await page.goto(`${above}/staging/jobs/new`);
  await page.getByLabel('Suffix').fill('David Test');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('There is a problem').waitFor();
  await look(page);
  expect(await page.getByLabel('Database Names').isVisible()).toBe(false);
  await page.getByLabel('Drop Databases').check();
  expect(await page.getByLabel('Database Names').isVisible()).toBe(true);
  await look(page);
  await page.getByLabel('New Database').check();
  await page.getByLabel('Suffix').fill('david-test');
  expect(await page.getByLabel('Timestamp').isChecked()).toBe(true);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Draft', { exact: true }).waitFor();
  await look(page);
  await page.getByRole('button', { name: 'Run' }).click();
  const name = await page.locator('dd code').first().innerText();
  expect(name).toMatch(/-lab_\d{8}_\d{4}_david-test$/);
  await look(page);
  await untilShown(page, 'Done');
  await untilShown(page, 'Open it');
  await look(page);
  await page.goto(`${above}/staging/jobs`);
  await look(page);

  const link = /http:\S+\/databases\/\S+/.exec(mail.received[0]?.text ?? '')?.[0] ?? '';
  await signIn(page, below, 'sam@example.com', password);
  await page.goto(link);
  await look(page);
  await page.getByRole('button', { name: 'Open this database' }).click();
  await page.goto(`${below}/catalog/business/${business.id}`);
  await page.getByText(`Copy ${name}`, { exact: true }).waitFor();
  expect(await page.getByRole('link', { name: 'Changes in this copy' }).count()).toBe(1);
  await page.getByLabel('Name', { exact: true }).fill('Clinic, only here');
  const file = { name: 'icon.png', mimeType: 'image/png', buffer: await picture() };
  await page.locator('input[type="file"]').first().setInputFiles(file);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Business saved.').waitFor();
  await look(page);
  expect((await get(world.production, business))['name']).toBe('Clinic');

  await page.goto(`${below}/databases`);
  await look(page);
  await page
    .getByRole('button', { name: /^Leave/ })
    .first()
    .click();
  await page.goto(`${below}/catalog/business`);
  expect(await page.getByText('Clinic, only here').count()).toBe(0);
  await page.getByText('Of staging').first().waitFor();

  await page.goto(`${below}/databases`);
  await page.getByRole('button', { name: /days longer/ }).click();
  await page.getByText(/is kept until/).waitFor();
  await page.getByRole('button', { name: /^Drop/ }).click();
  await page.getByText(`${name} is dropped.`).waitFor();
  await look(page);
  expect(found).toEqual([]);
  expect(blocked).toEqual([]);
  await context.close();
}, 300_000);
