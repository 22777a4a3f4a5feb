// The story of three data sources in a real browser: a person adds them and fetches their files, one file is broken,
// its publisher corrects it, and the person fetches it again. On every page the accessibility checker axe finds
// nothing, and the page fits on a phone.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { startPublisher, type Publisher } from '../../demo/publisher/server.ts';
import { findingsOn, watchPolicy } from '../support/axe.ts';
import { openBrowser, openContext, signIn } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { listen, type Listening } from '../support/servers.ts';
import { addDataset, useSources } from '../support/sources.ts';

const world = useSources({ SOURCE_CREDENTIAL_OFFICE: 'Bearer secret' }, 'once');
let browser: Browser;
let servers: Listening;
let publisher: Publisher;
beforeAll(async () => {
  servers = await listen(world);
  browser = await openBrowser();
}, 120_000);
afterAll(async () => {
  await browser.close();
  await servers.close();
});
beforeEach(async () => {
  publisher = await startPublisher();
});
afterEach(() => publisher.close());

const found: string[] = [];

/** Records what axe finds on a page, and whether the page scrolls sideways on a phone. */
async function look(page: Page, name: string) {
  found.push(...(await findingsOn(page)));
  await page.setViewportSize({ width: 360, height: 900 });
  const isWide = await page.evaluate(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
  if (isWide) found.push(`${name} scrolls sideways`);
  await page.setViewportSize({ width: 1280, height: 1600 });
}

const kinds = [
  [
    'JSON index',
    'City statistics',
    '/cities.json',
    {
      'Path to the list': 'result.files',
      'Field with the address': 'href',
      'Field with the name': 'title',
      'Field with the size in bytes': 'bytes',
      'Field with the ETag or digest': 'digest',
    },
    'cities',
  ],
  ['HTML index', 'Rainfall', '/rainfall/', { 'Pattern of the file names': '*.csv' }, 'rainfall'],
  ['CKAN package', 'Ridership', '', { Package: 'ridership' }, 'ridership'],
] as const;

test.each([{ javaScript: true }, { javaScript: false }])(
  'S3-02 S3-40 S3-65 S3-67 a person adds three data sources in the browser, fetches their files, and fetches a corrected file again (%j)',
  async ({ javaScript }) => {
    const { staging } = servers.urls;
    const context = await openContext(browser, { javaScript });
    const page = await context.newPage();
    const blocked = watchPolicy(page);
    await signIn(page, staging, 'ops@example.com', password);
    const after = javaScript ? '' : ' without script';
    for (const [kind, name, path, fields, dataset] of kinds) {
      await addDataset(world.staging, `${dataset}${javaScript ? '' : '_plain'}`, {
        mode: 'append',
      });
      await page.goto(`${staging}/sources`);
      await page.getByRole('link', { name: 'Add source' }).first().click();
      if (javaScript) await look(page, 'the kinds');
      await page.getByRole('link', { name: kind }).click();
      await page.getByRole('button', { name: 'Add source' }).click();
      expect(await page.locator('.error').count()).toBeGreaterThan(2);
      if (javaScript) await look(page, `the form of a ${kind}`);
      await page.getByLabel('Name', { exact: true }).fill(`${name}${after}`);
      await page.getByLabel('Address', { exact: true }).fill(`${publisher.url}${path}`);
      for (const [label, value] of Object.entries(fields))
        await page.getByLabel(label, { exact: true }).fill(value);
      await page
        .getByLabel('Dataset', { exact: true })
        .selectOption({ label: `statistics/${dataset}${javaScript ? '' : '_plain'}` });
      await page.getByRole('button', { name: 'Add source' }).click();
      await page.getByRole('heading', { level: 1, name: `${name}${after}` }).waitFor();
    }
    await context.clearCookies();
    await signIn(page, staging, 'dana@example.com', password);
    for (const [, name] of kinds) {
      await page.goto(`${staging}/sources`);
      await page.getByRole('link', { name: `${name}${after}`, exact: true }).click();
      await page.getByRole('button', { name: 'Run now' }).click();
      await untilShown(page, 'Found at the source');
      if (javaScript) await look(page, `the source ${name}`);
    }
    await page.goto(`${staging}/sources`);
    await page.getByRole('link', { name: `Rainfall${after}`, exact: true }).click();
    const broken = page.getByRole('row', { name: 'rainfall-2026-07.csv' });
    expect(await broken.textContent()).toContain('Failed');
    expect(await page.getByRole('row', { name: 'Processed' }).count()).toBe(9);
    await fetch(`${publisher.url}/mending?path=/files/rainfall/rainfall-2026-07.csv`, {
      method: 'POST',
      redirect: 'manual',
    });
    await page.getByRole('button', { name: 'Run now' }).click();
    await untilShown(page, 'Differs at the source');
    if (javaScript) await look(page, 'a source with a file that differs');
    await broken.getByRole('button', { name: 'Fetch again' }).click();
    await untilShown(page, 'Fetch 2');
    expect(await page.getByRole('row', { name: 'Processed' }).count()).toBe(10);
    await page.getByRole('link', { name: /^Job \d+$/ }).click();
    await page.getByRole('heading', { name: 'Run of the source' }).waitFor();
    if (javaScript) await look(page, 'the job of a run');
    await page.goto(`${staging}/jobs`);
    await page
      .getByRole('rowheader', { name: new RegExp(`^Source Rainfall${after} At 02:00 · cron 0 2`) })
      .waitFor();
    await page.goto(`${staging}/sources`);
    if (javaScript) await look(page, 'the list of sources');
    expect([found, blocked]).toEqual([[], []]);
    await context.close();
  },
  240_000,
);

/**
 * Waits until the page shows a text and its job has ended. The page is reloaded again and again, because without
 * JavaScript it does not update itself.
 */
async function untilShown(page: Page, text: string) {
  for (let look = 0; look < 200; look += 1) {
    const isRunning = (await page.locator('[data-job]').count()) > 0;
    if (!isRunning && (await page.getByText(text, { exact: true }).count()) > 0) return;
    await page.waitForTimeout(200);
    // An error is ignored: the page may reload itself at this moment, because its job has ended.
    await page.reload().catch(() => {});
  }
  throw new Error(`“${text}” did not appear`);
}
