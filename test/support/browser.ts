// Headless Chromium for browser tests.
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { findBrowser } from './chromium.ts';
import { afterAll, beforeAll } from './hooks.ts';
import { listen, type Listening } from './servers.ts';
import type { World } from './world.ts';

/** Opens the servers of the test environments and a browser for the tests of a file, after `prepare` has run. */
export function useBrowser(
  world: World,
  prepare: () => unknown = () => {},
): { readonly servers: Listening; readonly browser: Browser } {
  let opened: { servers: Listening; browser: Browser } | undefined;
  const isOpen = () => {
    if (!opened) throw new Error('The browser is open only inside hooks and tests.');
    return opened;
  };
  beforeAll(async () => {
    await prepare();
    opened = { servers: await listen(world), browser: await openBrowser() };
  }, 300_000);
  afterAll(async () => {
    await opened?.browser.close();
    await opened?.servers.close();
  });
  return {
    get servers() {
      return isOpen().servers;
    },
    get browser() {
      return isOpen().browser;
    },
  };
}

export async function openBrowser(): Promise<Browser> {
  const found = findBrowser();
  if (!found) throw new Error('Chromium is missing: run the tests with bin/test');
  return chromium.launch({
    executablePath: found,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-sync',
      '--disable-background-networking',
      '--disable-component-update',
      '--in-process-gpu',
    ],
  });
}

export type Look = {
  width?: number;
  height?: number;
  javaScript?: boolean;
};

export async function openContext(browser: Browser, look: Look = {}): Promise<BrowserContext> {
  return browser.newContext({
    viewport: { width: look.width ?? 1440, height: look.height ?? 960 },
    javaScriptEnabled: look.javaScript ?? true,
  });
}

export async function signIn(page: Page, url: string, email: string, password: string) {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
