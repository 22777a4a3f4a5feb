// Opens every page in light and dark mode: the accessibility checker axe finds nothing, and the content security policy
// blocks nothing. The main pages are also tested at 320 px and without JavaScript.
import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { findingsOn, watchPolicy } from '../support/axe.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { fill } from '../support/sample.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
let ids: Awaited<ReturnType<typeof fill>>;
const at = useBrowser(world, async () => {
  ids = await fill(world);
});

// axe reports an input that the sticky bar covers as too small a target. In a tall window the bar
// covers no input.
const TALL = 4000;

type Visit = [address: string, act?: (page: Page) => Promise<void>];

const press =
  (name: string | RegExp, role: 'button' | 'link' = 'button') =>
  async (page: Page) => {
    await page.getByRole(role, { name }).first().click();
    await page.waitForLoadState();
  };

const openUndo = async (page: Page) => {
  await openFirst(page);
  await press(/Undo/)(page);
};

const compareAll = async (page: Page) => {
  await press(/Compare/)(page);
  await page.getByText('were compared with pre-production just now').waitFor();
};

const makeKey = async (page: Page) => {
  await page.getByLabel('App', { exact: true }).fill('Android app');
  await page.getByLabel('Everything').check();
  await press('Make a key')(page);
  await page.getByText('it is not shown again').waitFor();
};

const lookFirst = async (page: Page) => {
  await press('Preview')(page);
  await page.getByText('would be created').waitFor();
};

const scheduleNew = async (page: Page) => {
  await page.getByLabel('Name').fill('Launch');
  await press('Begin selection')(page);
  await press('Schedule…', 'link')(page);
  const inADay = new Date(Date.now() + 24 * 3600_000).toISOString().slice(0, 16);
  await page.getByLabel('Day and time').fill(inADay);
  await press('Schedule')(page);
};

const openFirst = async (page: Page) => {
  await page.locator('tbody th a').first().click();
  await page.waitForLoadState();
};

const inStaging = (): Visit[] => [
  ['/'],
  ['/help'],
  ['/catalog/business'],
  ['/catalog/task'],
  ['/catalog/task?tab=ready&q=Midnight&active=yes'],
  ['/catalog/task?q=nothing-like-it'],
  ['/catalog/sts?tab=deleted'],
  ['/catalog/form?tab=held'],
  ['/catalog/form_field'],
  ['/catalog/banner'],
  ['/catalog/city'],
  ['/catalog/external_tool'],
  [`/catalog/business/${ids.business}`],
  [`/catalog/task/${ids.marked}`],
  [`/catalog/form/${ids.form}`],
  [`/catalog/form/${ids.held}`],
  [`/catalog/form_field/${ids.fields[0]}`],
  ['/catalog/banner/1'],
  ['/catalog/business/new', press('Save')],
  [`/catalog/form/${ids.form}/history`],
  [`/catalog/form/${ids.form}/deletion`],
  [`/catalog/form/${ids.drifted}/deletion`],
  [`/catalog/task/${ids.oncall}`, press('Transfer…')],
  [`/catalog/task/${ids.marked}`, press('Transfer…')],
  [`/catalog/form/${ids.drifted}`, press('Transfer…')],
  [`/catalog/form/${ids.drifted}`, press('Take over from pre-production…')],
  [`/catalog/business/${ids.business}`, press('Transfer…')],
  ['/transfers'],
  ['/transfers', openFirst],
  ['/transfers', openUndo],
  ['/pending'],
  ['/comparison', compareAll],
  ['/refreshes'],
  ['/refreshes', lookFirst],
  ['/jobs'],
  [`/jobs/${ids.job}`],
  ['/dead-letters'],
  ['/outbox'],
  ['/api-docs'],
  ['/comparison?entity=form&status=Changed%20there'],
  ['/changes?hours=720'],
  ['/selections/new'],
  ['/selections/new', scheduleNew],
  ['/selections'],
  ['/selections', openFirst],
  ['/messages'],
  ['/restores'],
  [`/catalog/form/${ids.form}/history`, press('Show this version', 'link')],
  ['/arrivals'],
  ['/name-mappings'],
  ['/audit'],
  ['/search?q=hamper'],
  ['/nothing/here'],
];

async function findings(visits: Visit[], base: string, page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const [address, act] of visits) {
    await page.goto(base + address);
    await act?.(page);
    found.push(...(await findingsOn(page)));
  }
  return found;
}

test('every page of staging has 0 findings of the accessibility checker axe and violates no content security policy', async () => {
  const context = await openContext(at.browser, { height: TALL });
  const page = await context.newPage();
  const blocked = watchPolicy(page);
  await page.goto(`${at.servers.urls.staging}/sign-in`);
  const signedOut = await findingsOn(page);
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  expect([...signedOut, ...(await findings(inStaging(), at.servers.urls.staging, page))]).toEqual(
    [],
  );
  expect(blocked).toEqual([]);
  await context.close();
}, 600_000);

test('the pages of administrators and viewers in pre-production and production have 0 findings of the accessibility checker axe', async () => {
  const context = await openContext(at.browser, { height: TALL });
  const page = await context.newPage();
  const blocked = watchPolicy(page);
  await signIn(page, at.servers.urls.staging, 'ops@example.com', password);
  const people: Visit[] = [
    ['/people'],
    ['/jobs'],
    ['/dead-letters'],
    ['/people/new', press('Invite to staging')],
    ['/people/1'],
    ['/backups'],
    ['/api-keys', press('Make a key')],
    ['/api-keys', makeKey],
  ];
  const found = await findings(people, at.servers.urls.staging, page);
  await signIn(page, at.servers.urls.preprod, 'pm@example.com', password);
  const above: Visit[] = [
    ['/'],
    ['/arrivals'],
    [`/catalog/task/${ids.task}`],
    [`/catalog/task/${ids.task}`, press('Works')],
    ['/changes?hours=720'],
    ['/catalog/task'],
    ['/arrivals', press('Review for production…')],
  ];
  found.push(...(await findings(above, at.servers.urls.preprod, page)));
  await signIn(page, at.servers.urls.production, 'vic@example.com', password);
  const top: Visit[] = [['/'], ['/catalog/form'], ['/catalog/form/new'], ['/transfers']];
  found.push(...(await findings(top, at.servers.urls.production, page)));
  expect(found).toEqual([]);
  expect(blocked).toEqual([]);
  await context.close();
}, 600_000);

/** Whether the page scrolls sideways. A table that scrolls within the page does not count. */
const isWide = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');

/** The height of the header with its menu, environment, search and person in one line, in pixels. */
const oneLine = 54;
const heightOf = async (page: Page, selector: string) =>
  (await page.locator(selector).boundingBox())?.height;

test('at 320 px the main pages do not scroll sideways and have 0 findings of the accessibility checker axe (walk 37)', async () => {
  const context = await openContext(at.browser, { width: 320, height: TALL });
  const page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  for (const [address, act] of [
    ['/'],
    ['/catalog/task'],
    [`/catalog/task/${ids.task}`],
    [`/catalog/business/${ids.business}`],
    [`/catalog/task/${ids.oncall}`, press('Transfer…')],
    ['/transfers', openFirst],
    ['/transfers', openUndo],
    ['/jobs'],
    ['/pending'],
    ['/comparison'],
    ['/changes?hours=720'],
    ['/transfers'],
    ['/audit'],
    ['/refreshes', lookFirst],
    ['/jobs'],
    [`/jobs/${ids.job}`],
    ['/dead-letters'],
    ['/outbox'],
    ['/account'],
    ['/api-docs'],
  ] as Visit[]) {
    await page.goto(at.servers.urls.staging + address);
    await act?.(page);
    expect([address, await isWide(page)]).toEqual([address, false]);
    expect([address, await heightOf(page, '.topbar')]).toEqual([address, oneLine]);
    expect(await findingsOn(page)).toEqual([]);
  }
  await page.goto(`${at.servers.urls.staging}/catalog/task`);
  await page.getByRole('link', { name: 'Menu' }).click();
  await page.getByRole('link', { name: /^Forms/ }).click();
  expect(page.url()).toContain('/catalog/form');
  await context.close();
}, 300_000);

test('without JavaScript the menu stays in view on a long page, and the header on a phone links to other environments (walk 30, walk 37)', async () => {
  const context = await openContext(at.browser, { javaScript: false, height: 400 });
  const page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  await page.goto(`${at.servers.urls.staging}/audit`);
  await page.locator('tbody tr').last().scrollIntoViewIfNeeded();
  const menu = page.getByRole('navigation', { name: 'Main' });
  expect((await menu.getByRole('link', { name: 'Home' }).boundingBox())?.y).toBeGreaterThan(0);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${at.servers.urls.staging}/catalog/task/${ids.task}`);
  await page.getByText('Environment: Staging').click();
  const above = page.getByRole('link', { name: 'Pre-production', exact: true });
  expect(await above.getAttribute('href')).toBe(
    `${at.servers.urls.preprod}/catalog/task/${ids.task}`,
  );
  await context.close();
});

test('list, edit, transfer sheet and result pages work without JavaScript', async () => {
  const context = await openContext(at.browser, { javaScript: false });
  const page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  await page.goto(`${at.servers.urls.staging}/catalog/task/${ids.task}`);
  await page.getByLabel('Title').fill('Send a hamper, without script');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Task saved.').waitFor();
  await page.goto(`${at.servers.urls.staging}/catalog/task?q=without`);
  await page.getByLabel('Tick Send a hamper, without script').check();
  await page.getByRole('button', { name: 'Transfer ticked tasks' }).click();
  await page.getByRole('button', { name: 'Transfer 1 row to pre-production' }).click();
  await page.getByText('1 row transferred to pre-production.').waitFor();
  await context.close();
});
