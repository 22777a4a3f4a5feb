// Pages of pipeline runs, HAWK keys and the documentation of the signed API in a browser: in light and dark mode, on a
// narrow screen, and without JavaScript.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { findingsOn, watchPolicy } from '../support/axe.ts';
import { openBrowser, openContext, signIn } from '../support/browser.ts';
import { hire, password } from '../support/people.ts';
import { usePipeline } from '../support/pipeline.ts';
import { publish } from '../support/published.ts';
import { hawkKey } from '../support/signed-client.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const pipeline = usePipeline(world, { API_PAGE_SIZE: '10' });
const columns = { name: 'text', size: 'integer' } as const;
const rows = Array.from({ length: 25 }, (_, index) => [`Row ${index}`, index]);
let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
}, 60_000);
afterAll(() => browser.close());

const isWide = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');

/**
 * Makes a failed, a superseded and a waiting pipeline run, and a HAWK key. Returns the number of
 * the failed run.
 */
async function prepare() {
  const { here } = pipeline.site;
  await hire(here, 'dana');
  await hire(here, 'ops');
  await pipeline.target.query('create table statistics_a_rather_long_name_of_cities (own int)');
  const name = 'statistics/a_rather_long_name_of_cities';
  await publish(here, { name, columns, rows });
  const { run } = await publish(here, { name, columns, rows });
  await pipeline.carry(run);
  await publish(here, { name: 'org/closed', columns, rows, isOpen: false });
  await hawkKey(here, ['dataset:statistics/*', 'dataset:org/closed', 'sources:run'], 'Weather app');
  return run;
}

test.each([1440, 360])(
  'pages of pipeline runs and HAWK keys at %d px have 0 findings of the accessibility checker axe and do not scroll sideways',
  async (width) => {
    const run = await prepare();
    const context = await openContext(browser, { width, height: 1600 });
    const page = await context.newPage();
    const blocked = watchPolicy(page);
    await signIn(page, pipeline.at.url, 'ops@example.com', password);
    const found: string[] = [];
    const look = async (address: string) => {
      const folder = process.env['LOOK'];
      for (const theme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: theme });
        if (await isWide(page)) found.push(`${address} is too wide`);
        const file = `${folder}/${address.replaceAll(/\W+/g, '-')}-${theme}-${width}.png`;
        if (folder) await page.screenshot({ path: file, fullPage: true });
      }
      found.push(...(await findingsOn(page)));
    };
    for (const address of ['/api-docs', '/api-keys', '/pipeline-runs', `/pipeline-runs/${run}`]) {
      await page.goto(pipeline.at.url + address);
      await look(address);
    }
    await page.goto(`${pipeline.at.url}/api-keys`);
    await page.getByRole('button', { name: 'Make a HAWK key' }).click();
    await page.getByRole('link', { name: 'Enter the name of the client' }).waitFor();
    await look('/api-keys wrong');
    await page.getByRole('textbox', { name: 'Client' }).fill('Another app');
    await page.getByLabel('org/closed').check();
    await page.getByRole('button', { name: 'Make a HAWK key' }).click();
    await page.getByText('Copy the key now').waitFor();
    await look('/api-keys made');
    await context.clearCookies();
    await signIn(page, pipeline.at.url, 'dana@example.com', password);
    await page.goto(`${pipeline.at.url}/pipeline-runs/${run}`);
    await look('/pipeline-runs failed');
    expect([found, blocked]).toEqual([[], []]);
    await context.close();
  },
  120_000,
);

test('a person resumes a failed pipeline run without JavaScript', async () => {
  const run = await prepare();
  const context = await openContext(browser, { javaScript: false });
  const page = await context.newPage();
  await signIn(page, pipeline.at.url, 'dana@example.com', password);
  await page.goto(`${pipeline.at.url}/pipeline-runs`);
  await page.getByRole('link', { name: `Run ${run}`, exact: true }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText(`Run ${run} goes on.`).waitFor();
  await context.close();
});
