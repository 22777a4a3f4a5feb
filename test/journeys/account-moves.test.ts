// Account migrations in a real browser, from the first start by an app to retries of failed records and accounts. The
// pages must fit on a phone and have 0 findings of the accessibility checker axe.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { attachmentDelays } from '../../src/account-moves/attachment-fetch.ts';
import { patience } from '../../src/account-moves/patience.ts';
import { followMoves } from '../../src/account-moves/follow.ts';
import { advanceWaves } from '../../src/account-moves/wave-starts.ts';
import { openRedis } from '../../src/environments/redis.ts';
import { startChores, type Chore } from '../../src/jobs/chores.ts';
import { openQueue, sweep } from '../../src/jobs/queue.ts';
import { tasks } from '../../src/tasks.ts';
import { watchPolicy } from '../support/axe.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { useConversations } from '../support/conversations.ts';
import { until } from '../support/jobs.ts';
import { lookInto } from '../support/looking.ts';
import { moveOf } from '../support/moving.ts';
import { password } from '../support/people.ts';
import { openWorld, useWorld } from '../support/world.ts';

const older = useConversations();
const world = useWorld({
  cleared: 'once',
  open: () =>
    openWorld(undefined, ({ staging }) => {
      Object.assign(staging, older.variables, { MOVE_RECENT_MESSAGES: '50' });
    }),
});
const at = useBrowser(world);
const here = () => world.staging;

let stop: () => Promise<void>;
beforeAll(async () => {
  Object.assign(attachmentDelays, { retry: 1, pause: 1, idle: 5 });
  Object.assign(patience, { recordDelay: 1, attachment: 300 });
  const redis = await openRedis(here());
  const queue = openQueue(here(), redis, tasks);
  const chores: Chore[] = [
    { name: 'waves', everyMs: 300, run: advanceWaves(queue) },
    { name: 'account migrations without a job', everyMs: 300, run: followMoves },
    { name: 'sweep', everyMs: 1000, run: (one) => sweep(one, queue) },
  ];
  const own = { ...here(), halt: new AbortController() };
  const stopChores = startChores(own, chores);
  stop = async () => {
    own.halt.abort();
    await stopChores();
    await queue.close();
    redis.destroy();
  };
});
afterAll(() => stop());

const found: string[] = [];
const look = lookInto(found, { height: 1600 });
let page: Page;
let blocked: string[];
beforeEach(async () => {
  found.length = 0;
  const context = await openContext(at.browser, { height: 1600 });
  page = await context.newPage();
  blocked = watchPolicy(page);
  await signIn(page, at.servers.urls.staging, 'mia@example.com', password);
  return async () => context.close();
});

const open = (path: string) => page.goto(at.servers.urls.staging + path);
const press = async (name: string | RegExp) => {
  await page.getByRole('button', { name }).first().click();
  await page.waitForLoadState();
};
const follow = async (name: string | RegExp) => {
  await page.getByRole('link', { name }).first().click();
  await page.waitForLoadState();
};

/** Makes the simulated older system Conversations answer slowly, so that the test can watch a migration. */
const slow = (account: string, ms = 700) =>
  older.fail({
    match: new RegExp(`(channels_to_migrate\\S*|Query messages) ?\\S*${account}$`),
    name: 'slow',
    ms,
  });

type Seen = {
  migration_status: string;
  counts: { messages: number };
  poll_after_ms: number | null;
};

/** Calls the API as an app does, with the token of the account. */
async function call(method: string, path: string, account: string): Promise<Seen> {
  const token = await older.shopperToken(account);
  const answer = await fetch(`${at.servers.urls.staging}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(answer.ok).toBe(true);
  return (await answer.json()) as Seen;
}

test('S4-10 S4-13 S4-14 an app sees each migration status of an account in turn, and messages can be read before all of them have been migrated', async () => {
  await older.add({ id: 'shop-1', name: 'Corner shop', messages: 1200, attachmentEvery: 300 });
  expect(await call('GET', '/accounts', 'shop-1')).toMatchObject({
    migration_status: 'not_started',
  });
  // Conversations answers so slowly that the test opens the inbox before all older messages have arrived.
  slow('shop-1', 2000);
  const seen = [await call('POST', '/start-migration', 'shop-1')];
  await open('/account-moves/shop-1');
  const polling = (async () => {
    for (;;) {
      const now = await call('GET', '/accounts', 'shop-1');
      seen.push(now);
      if (now.poll_after_ms === null) return;
      await page.waitForTimeout(50);
    }
  })();
  await page.getByText('Recent messages only').waitFor();
  await open('/inbox/shop-1');
  expect(await page.getByText('Older messages are still arriving.').count()).toBe(1);
  expect(await page.locator('ol.messages > li').count()).toBeGreaterThan(0);
  await look(page);
  await open('/account-moves/shop-1');
  // The page shows the progress of the migration, and reloads itself at the end.
  await page.getByText('Completed', { exact: true }).waitFor();
  await polling;
  const statuses = seen.map((one) => one.migration_status);
  expect(statuses.filter((one, index) => one !== statuses[index - 1])).toEqual([
    'migrating',
    'channels-only',
    'recent-messages-only',
    'completed',
  ]);
  const numbers = seen.map(({ counts }) => counts.messages);
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  expect(numbers.at(-1)).toBe(1200);
  await follow('Open inbox');
  await follow('Where is my order?');
  const picture = page.locator('.files img').first();
  await picture.waitFor();
  // `decode` waits until the picture is loaded, and fails if it cannot be shown.
  const width = await picture.evaluate(async (image) => {
    const shown = image as unknown as { naturalWidth: number; decode(): Promise<void> };
    await shown.decode();
    return shown.naturalWidth;
  });
  expect(width).toBeGreaterThan(0);
  await page.getByRole('searchbox', { name: 'Search this inbox' }).fill('refunded');
  await press('Search');
  await page.getByRole('heading', { name: 'Messages that contain “refunded”' }).waitFor();
  await look(page);
  expect([found, blocked]).toEqual([[], []]);
}, 180_000);

test.each([{ javaScript: true }, { javaScript: false }])(
  'a person adds a wave (accounts that are migrated together), pauses it and resumes it in the browser (%j)',
  async ({ javaScript }) => {
    const ids = [1, 2, 3].map((number) => `wave-${javaScript}-${number}`);
    for (const id of ids) {
      await older.add({ id, messages: 300, attachmentEvery: 0 });
      slow(id, 2500);
    }
    if (!javaScript) {
      const context = await openContext(at.browser, { javaScript });
      page = await context.newPage();
      await signIn(page, at.servers.urls.staging, 'mia@example.com', password);
    }
    await open('/account-moves');
    await follow('Add wave');
    await page.getByLabel('Name', { exact: true }).fill('North');
    await page.getByLabel('Accounts').fill(['not an id', ...ids].join('\n'));
    await page.getByLabel('At once').fill('1');
    await press('Add wave');
    await page.getByRole('link', { name: '“not an id”' }).waitFor();
    if (javaScript) await look(page);
    await page.getByLabel('Accounts').fill(ids.join('\n'));
    await press('Add wave');
    await page.getByRole('heading', { level: 1, name: 'North' }).waitFor();
    await until(async () => (await moveOf(here(), ids[0] ?? '')).run === 1);
    await follow(/^Pause/);
    await press('Pause wave');
    await page.getByText('Paused', { exact: true }).waitFor();
    const [, second] = ids;
    expect(await moveOf(here(), second ?? '')).toMatchObject({ migration_status: 'not_started' });
    await follow(/^Resume/);
    if (javaScript) await look(page);
    await press('Resume wave');
    older.heal();
    await until(async () => {
      await page.reload();
      return (await page.getByText('3 of 3').count()) > 0;
    });
    for (const id of ids) {
      expect(await moveOf(here(), id)).toMatchObject({
        migration_status: 'completed',
        messages: 300,
      });
    }
    await open('/account-moves/waves');
    if (javaScript) await look(page);
    expect([found, blocked]).toEqual([[], []]);
    if (!javaScript) await page.context().close();
  },
  180_000,
);

test('a person retries and discards failed records of a migration, retries a failed migration, and migrates an account again', async () => {
  const odd = await older.add({ id: 'odd-1', messages: 80, isOdd: true });
  await open('/account-moves');
  await page.getByLabel('Beginning of the id').fill('odd-1');
  await press('Apply');
  await press('Ask the older system about odd-1');
  await page.getByText('Not started', { exact: true }).waitFor();
  await press('Start migration');
  await page.getByText('Completed', { exact: true }).waitFor();
  await page.getByText('Dead letters, by cause').waitFor();
  await look(page);
  await older.add({ ...odd, isOdd: false });
  await press(/^Retry 3 records.*Unreadable message$/);
  await until(async () => {
    await page.reload();
    return (await page.getByText('Unreadable message').count()) === 0;
  });
  expect(await moveOf(here(), 'odd-1')).toMatchObject({ failed: 0, messages: 80 });
  await follow(/^Discard….*Too large$/);
  await press('Discard');
  await page.getByText('Enter why it is discarded').first().waitFor();
  await look(page);
  await page.getByLabel('Reason').fill('Nobody needs 26 MB');
  await press('Discard');
  await page.getByText('1 record is discarded.').waitFor();
  expect(await page.getByText('Too large').count()).toBe(0);

  await older.add({ id: 'fail-1', messages: 60 });
  await open('/account-moves?q=fail-1');
  await press('Ask the older system about fail-1');
  older.fail({ match: /GET \/accounts\/fail-1/, name: '404' });
  await press('Start migration');
  await page.getByText('Failed', { exact: true }).first().waitFor();
  older.heal();
  await open('/account-moves');
  await look(page);
  await press(/^Retry 1 account.*Account unknown$/);
  await until(async () => (await moveOf(here(), 'fail-1')).migration_status === 'completed');

  await open('/account-moves/fail-1');
  await follow('Move again…');
  await press('Migrate again');
  await page.getByText('Enter the id of the account').first().waitFor();
  await look(page);
  await page.getByLabel('Id of the account').fill('fail-1');
  slow('fail-1', 300);
  await press('Migrate again');
  await open('/inbox/fail-1');
  expect(await page.locator('ol.messages > li').count()).toBeGreaterThan(0);
  await until(async () => (await moveOf(here(), 'fail-1')).migration_status === 'completed');
  await open('/account-moves/fail-1');
  await page.getByRole('heading', { name: 'Earlier runs' }).waitFor();
  await open('/dead-letters?state=all');
  await page.getByText('“Nobody needs 26 MB”').waitFor();
  expect([found, blocked]).toEqual([[], []]);
}, 180_000);
