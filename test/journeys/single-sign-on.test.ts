// Single sign-on in a real browser: a person signs in at the identity provider on staging, and then opens
// pre-production with one click.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { findingsOn, watchPolicy } from '../support/axe.ts';
import { openBrowser, openContext } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { openProvider, type TestProvider } from '../support/provider.ts';
import { listen, type Listening } from '../support/servers.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
let provider: TestProvider;
let servers: Listening;
let browser: Browser;
beforeAll(async () => {
  servers = await listen(world, async (urls) => {
    provider = await openProvider(urls);
    return provider.settings;
  });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await servers.close();
  provider.close();
});

async function signInOnce(page: Page, role: string) {
  await page.getByRole('link', { name: 'Sign in with single sign-on' }).click();
  await page.waitForURL(`${provider.issuer}/interaction/**`);
  await page.getByLabel('E-mail').fill(`${role}@example.com`);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test.each([true, false])(
  'a person signed in on staging is also signed in on pre-production after using the environment switcher (JavaScript: %s)',
  async (javaScript) => {
    const context = await openContext(browser, { javaScript });
    const page = await context.newPage();
    await page.goto(`${servers.urls.staging}/catalog/form`);
    await signInOnce(page, 'vic');
    await page.waitForURL(`${servers.urls.staging}/catalog/form`);
    await page.getByRole('link', { name: 'Pre-production', exact: true }).click();
    await page.waitForURL(`${servers.urls.preprod}/catalog/form`);
    expect(await page.locator('.person-name').textContent()).toBe('vic');
    await context.close();
  },
);

test('a signed-out person stays signed out, and another person can then sign in', async () => {
  const context = await openContext(browser);
  const page = await context.newPage();
  const blocked = watchPolicy(page);
  await page.goto(servers.urls.staging);
  expect(await findingsOn(page)).toEqual([]);
  await signInOnce(page, 'vic');
  await page.locator('.person summary').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You are signed out.').waitFor();
  await page.goto(`${servers.urls.staging}/catalog/task`);
  expect(page.url()).toBe(`${servers.urls.staging}/sign-in`);
  // The provider asks for the account again, so another person can sign in.
  await signInOnce(page, 'ed');
  await page.waitForURL(`${servers.urls.staging}/catalog/task`);
  expect(await page.locator('.person-name').textContent()).toBe('ed');
  expect(blocked).toEqual([]);
  await context.close();
});

test('a search after the session has ended signs the person in again by single sign-on, and then shows the result', async () => {
  const context = await openContext(browser);
  const page = await context.newPage();
  const blocked = watchPolicy(page);
  await page.goto(servers.urls.staging);
  await signInOnce(page, 'vic');
  await page.locator('.person-name').waitFor();
  await context.clearCookies({ name: 'oneway.staging' });
  await page.getByLabel('Search all records').fill('hamper');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${servers.urls.staging}/search?q=hamper`);
  expect(await page.locator('.person-name').textContent()).toBe('vic');
  expect(blocked).toEqual([]);
  await context.close();
});

test('the sign-in page of the test identity provider has 0 findings of the accessibility checker axe', async () => {
  const context = await openContext(browser);
  const page = await context.newPage();
  await page.goto(`${servers.urls.production}/sign-in/single`);
  await page.getByLabel('E-mail').fill('vic@example.com');
  await page.getByLabel('Password').fill('not this one');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('E-mail or password is wrong').waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await context.close();
});
