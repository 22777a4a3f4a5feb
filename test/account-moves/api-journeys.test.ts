// Tests the account migration API from the first request to the last, with real jobs. An app starts a migration and
// polls. The older system requests a migration in two parts: the recent messages, then the remaining ones.
import { beforeEach, expect, test } from 'vitest';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { moveTasks } from '../../src/account-moves/jobs.ts';
import * as keys from '../../src/api/keys.ts';
import { migrationStatuses } from '../../src/account-moves/status.ts';
import {
  callerWith,
  keyCaller,
  type AccountObject,
  type ApiCaller,
} from '../support/account-callers.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { until, useWorkers } from '../support/jobs.ts';
import { useSite } from '../support/people.ts';
import { fuzz } from '../support/schemathesis.ts';

const { world, older } = useMovingWorld({ MOVE_RECENT_MESSAGES: '50' });
const site = useSite(world, 'staging');
const workers = useWorkers();
beforeEach(() => older.accounts.clear());

const accountOf = (answer: { body: unknown }) => answer.body as AccountObject;

/** Polls as an app does. Returns the account as it was each time its status changed. */
async function pollUntil(caller: ApiCaller, path: string, status: string) {
  const seen: AccountObject[] = [];
  await until(async () => {
    const account = accountOf(await caller.get(path).expect(200));
    if (seen.at(-1)?.migration_status !== account.migration_status) seen.push(account);
    return account.migration_status === status || account.migration_status === 'failed';
  });
  return seen;
}

const rankOf = ({ migration_status: status }: AccountObject) => migrationStatuses.indexOf(status);

test('S4-10 S4-13 S4-14 S4-22 S4-24 S4-26 an app that polls its account’s migration sees every status in order, and can then read the whole inbox', async () => {
  await older.add({ id: 'acme', messages: 160, attachmentEvery: 40 });
  // The older system’s store answers slowly, so that the polls see each status.
  older.fail({ match: /^Query messages acme$/, name: 'slow', ms: 150 });
  const app = callerWith(site, await older.shopperToken('acme'));
  expect(accountOf(await app.get('/accounts')).migration_status).toBe('not_started');
  const started = await app.post('/start-migration');
  expect([started.status, accountOf(started).migration_status]).toEqual([202, 'migrating']);
  await workers.open(world.staging, moveTasks);
  const seen = [accountOf(started), ...(await pollUntil(app, '/accounts', 'completed'))];
  const ranks = seen.map(rankOf);
  expect(ranks).toEqual(ranks.toSorted((one, other) => one - other));
  expect(new Set(seen.map((one) => one.migration_status))).toEqual(
    new Set(['migrating', 'channels-only', 'recent-messages-only', 'completed']),
  );
  for (const one of seen) {
    const expected = one.migration_status === 'completed' ? null : one.migration_status;
    expect(one.poll_after_ms).toBe(
      expected === null ? null : expected === 'recent-messages-only' ? 5000 : 1000,
    );
  }
  const last = seen.at(-1);
  expect(last).toMatchObject({
    legacy_status: 'active',
    run: 1,
    percent: 100,
    seconds_left: 0,
    counts: { channels: 3, messages: 160, failed: 0, skipped: 0 },
  });
  const inbox = await readAll(app, 'acme');
  expect(inbox.messages).toBe(160);
  expect(inbox.attachments).toBe(last?.counts.attachments);
  expect(inbox.attachments).toBeGreaterThan(0);
}, 60_000);

type Page<T> = { items: T[]; next: string | null };
type Attachment = { href: string | null; size: number };

/**
 * Reads all threads, messages and attachments of an account, by following the links in the answers.
 */
async function readAll(app: ApiCaller, account: string) {
  const all = async <T>(from: string): Promise<T[]> => {
    const items: T[] = [];
    for (let path: string | null = from; path !== null;) {
      const answer: { body: unknown } = await app.get(path.replace('/api/v1', '')).expect(200);
      const page = answer.body as Page<T>;
      items.push(...page.items);
      path = page.next;
    }
    return items;
  };
  const counts = { messages: 0, attachments: 0 };
  for (const thread of await all<{ messages: string }>(`/accounts/${account}/threads`)) {
    const messages = await all<{ attachments: Attachment[] }>(thread.messages);
    counts.messages += messages.length;
    for (const { href, size } of messages.flatMap(({ attachments }) => attachments)) {
      const { headers } = await app.get(String(href).replace('/api/v1', '')).expect(200);
      expect(headers['content-length']).toBe(String(size));
      counts.attachments += 1;
    }
  }
  return counts;
}

test('S4-30 S4-31 S4-80 S4-81 S4-82 S4-86 the older system has an account migrated in two parts: the recent messages, then the remaining ones', async () => {
  await older.add({ id: 'baker', messages: 120, attachmentEvery: 0 });
  const key = await keyCaller(site);
  await key.post('/accounts', { account_id: 'baker', name: 'Baker' }).expect(201);
  await workers.open(world.staging, moveTasks);
  const check = '/check-migration?account_id=baker';
  await key.post('/migrate', { account_id: 'baker', part: 'recent' }).expect(202);
  await key.post('/accounts/baker', { migration_status: 'completed' }).expect(409);
  await pollUntil(key, check, 'recent-messages-only');
  // The migration stops after the recent messages until the remaining part is requested.
  await key.post('/migrate', { account_id: 'baker', part: 'recent' }).expect(200);
  const recent = accountOf(await key.post('/accounts/baker', { migration_status: 'recent-only' }));
  // No more messages arrive until the remaining part is requested, so `poll_after_ms` is null: the app need not poll.
  expect(recent).toMatchObject({
    legacy_status: 'active-recent-only',
    counts: { messages: 50 },
    poll_after_ms: null,
  });
  await key.post('/accounts/baker', { status: 'active-recent-only' }).expect(200);
  await key.post('/migrate', { account_id: 'baker', part: 'remaining' }).expect(202);
  const [, ...later] = await pollUntil(key, check, 'completed');
  expect(later.at(-1)).toMatchObject({
    migration_status: 'completed',
    run: 1,
    counts: { messages: 120 },
  });
  await key.post('/accounts/baker', { status: 'active' }).expect(200);
  await key.post('/migrate', { account_id: 'baker' }).expect(200);
  // The WebChat channel that was created in Oneway still exists beside the migrated channels.
  const { body } = await key.get('/accounts/baker/channels').expect(200);
  expect((body as Page<{ id: string }>).items.map(({ id }) => id)).toContain('here:webchat');
}, 60_000);

test('S0-06 the account migration API answers generated requests as its OpenAPI document says', async () => {
  await older.add({ id: 'acme', messages: 1 });
  const wanted = { name: 'Fuzzer', scopes: ['account-moves'] };
  const key = await keys.create(site.here, 'ops@example.com', wanted);
  const server = site.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const said = await fuzz({
    address: `http://127.0.0.1:${port}`,
    key,
    paths: '/(accounts|start-migration|migrate|check-migration)(/|$)',
    // Leave out the check that the API accepts all valid requests: the OpenAPI document cannot express that a caller
    // with an API key must name an account, while an app need not.
    without: ['positive_data_acceptance'],
  });
  server.close();
  expect(said).toBe('');
}, 300_000);
