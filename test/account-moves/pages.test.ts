// The dashboard of account migrations and the page of an account: each action by a person who may take it, and by a
// person who may not.
import { beforeEach, expect, test } from 'vitest';
import { moveKinds } from '../../src/account-moves/job-requests.ts';
import { eventsOf, byAccount } from '../../src/account-moves/moves.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import * as deadLetters from '../../src/jobs/dead-letters.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { openOnes, undecidedOnes } from '../../src/jobs/open-letters.ts';
import { addEvents, addLetters, addMove, ago, useMoves } from '../support/moves.ts';
import { textOf, useClient, useSite } from '../support/people.ts';

const world = useMoves();
const site = useSite(world, 'staging');
const mia = useClient(site, 'mia');
const vic = useClient(site, 'vic');
let here: App;
beforeEach(() => {
  here = world.staging;
});

const asked = { asked_at: '2026-11-26 10:00:00.000' };
const failed = {
  ...asked,
  migration_status: 'failed',
  reached: 'channels-only',
  stage: 'recent',
  run: 1,
  error_code: 'throttled',
  error_message: 'The store is <b>throttled</b>',
  error_at: '2026-11-26 10:00:00.000',
} as const;

const every = { kinds: moveKinds, subject: null, cause: null, ids: null };

const tilesOn = (html: string) =>
  [...html.matchAll(/(Waiting|Running|Done|Failed) <b>([\d,]+)<\/b>/g)].map((tile) => [
    tile[1],
    tile[2],
  ]);
const idsOn = (html: string) =>
  [...html.matchAll(/<th scope="row">\s*<a href="\/account-moves\/([^"/]+)"/g)].map(([, id]) => id);

test('if no older system (Conversations) is configured, the pages of account migrations and their menu entry do not exist', async () => {
  const { preprod } = world;
  expect(preprod.settings.moves).toBeNull();
  const other = await import('../support/people.ts').then(({ openSite }) =>
    openSite(world, 'preprod'),
  );
  const client = await other.as('mia');
  expect((await client.get('/')).text).not.toContain('/account-moves');
  for (const path of ['/account-moves', '/account-moves/waves', '/account-moves/a', '/inbox/a']) {
    expect((await client.get(path)).status).toBe(404);
  }
  await other.close();
  expect((await vic.get('/')).text).toContain('href="/account-moves"');
});

test('S4-72 the migration dashboard shows tiles, waiting times, a chart and failures by cause, and escapes all texts', async () => {
  const done = await addMove(here, 'a-1', {
    ...asked,
    migration_status: 'completed',
    name: '<i>Ann</i>',
  });
  await addEvents(here, done, [
    { name: 'migrating', at: ago(60) },
    { name: 'channels-only', at: ago(58) },
    { name: 'recent-messages-only', at: ago(50) },
    { name: 'completed', at: ago(10) },
  ]);
  await addMove(here, 'a-2', { ...asked, migration_status: 'migrating' });
  await addMove(here, 'a-3');
  await addMove(here, 'a-4', failed);
  await addMove(here, 'a-5', failed);
  await addLetters(here, [{ subject: 'a-1', cause: 'not-found', reason: '<u>no file</u>' }]);
  const { status, text: html } = await vic.get('/account-moves');
  expect(status).toBe(200);
  expect(html).toContain('id="records"');
  expect(tilesOn(html)).toEqual([
    ['Waiting', '1'],
    ['Running', '1'],
    ['Done', '1'],
    ['Failed', '2'],
  ]);
  expect(idsOn(html)).toEqual(['a-5', 'a-4', 'a-3', 'a-2', 'a-1']);
  const text = textOf(html);
  expect(text).toContain('Until channels');
  expect(text).toMatch(/median of 1 account today; 95 % within [\d.]+ s/);
  expect(html).toContain('id="failed-bar"');
  expect(html).toMatch(/class="bar-done"\s+x=/);
  expect(text).toMatch(/Day Done Failed \d{4}-\d\d-\d\d 1 0/);
  expect(text).toContain('Throttled 2 a-5');
  expect(text).toContain('Not found 1');
  for (const escaped of ['&lt;i&gt;Ann', '&lt;b&gt;throttled', '&lt;u&gt;no file']) {
    expect(html).toContain(escaped);
  }
  expect(html).not.toContain('Retry 2 accounts');
  expect(textOf((await mia.get('/account-moves')).text)).toContain('Retry 2 accounts');
});

test('an empty migration dashboard says that nobody has requested an account yet and that no migration has ended', async () => {
  const text = textOf((await vic.get('/account-moves')).text);
  expect(text).toContain('No account was asked for yet');
  expect(text).toContain('No migration ended in the last 14 days');
});

test('the list of migrations is filtered by dashboard tile, migration wave or beginning of an account id; a whole id opens its page', async () => {
  await addMove(here, 'a-1');
  await addMove(here, 'a-2', failed);
  expect(idsOn((await vic.get('/account-moves?status=failed')).text)).toEqual(['a-2']);
  expect(
    idsOn((await vic.get('/account-moves?status=nonsense&wave=x&before=-1')).text),
  ).toHaveLength(2);
  expect(idsOn((await vic.get('/account-moves?wave=999')).text)).toEqual([]);
  expect(idsOn((await vic.get('/account-moves?q=a')).text)).toEqual(['a-1', 'a-2']);
  const whole = await vic.get('/account-moves?q=a-2');
  expect([whole.status, whole.headers['location']]).toEqual([303, '/account-moves/a-2']);
  for (const odd of ["'", '%', '<script>', '\\', 'x'.repeat(300), 'é']) {
    const answer = await vic.get(`/account-moves?q=${encodeURIComponent(odd)}`);
    expect([odd, answer.status]).toEqual([odd, 200]);
    expect(answer.text).not.toContain('<script>');
  }
});

test('the list of migrations shows 50 accounts on a page', async () => {
  for (let number = 100; number < 153; number += 1) await addMove(here, `many-${number}`);
  const first = await vic.get('/account-moves');
  expect(idsOn(first.text)).toHaveLength(50);
  const older = /href="(\/account-moves\?before=\d+)#accounts"/.exec(first.text)?.[1] ?? '';
  expect(idsOn((await vic.get(older)).text)).toEqual(['many-102', 'many-101', 'many-100']);
});

test('the page of an account’s migration shows status, percent, stages with times and counts, and earlier runs', async () => {
  const move = await addMove(here, 'acc:7@x', {
    ...asked,
    name: 'Shop & Co',
    migration_status: 'recent-messages-only',
    reached: 'recent-messages-only',
    stage: 'rest',
    run: 2,
    channels: 2,
    messages: 700,
    expected_messages: 1000,
    person: 'app',
    requested_at: '2026-11-26 10:00:00.000',
  });
  await addEvents(here, move, [
    { name: 'migrating', at: '2026-11-25T10:00:00.000Z', run: 1 },
    { name: 'failed', at: '2026-11-25T10:00:09.000Z', run: 1, counts: { messages: 5 } },
    { name: 'migrating', at: '2026-11-26T10:00:00.000Z', run: 2 },
    { name: 'channels', at: '2026-11-26T10:00:00.000Z', run: 2 },
    { name: 'channels-only', at: '2026-11-26T10:00:01.000Z', run: 2, counts: { channels: 2 } },
    { name: 'recent', at: '2026-11-26T10:00:01.000Z', run: 2, counts: { channels: 2 } },
    {
      name: 'recent-messages-only',
      at: '2026-11-26T10:00:04.000Z',
      run: 2,
      counts: { messages: 500 },
    },
    { name: 'rest', at: '2026-11-26T10:00:04.000Z', run: 2, counts: { messages: 500 } },
  ]);
  const { text: html } = await vic.get('/account-moves/acc%3A7%40x');
  const text = textOf(html);
  for (const part of [
    'Account acc:7@x',
    'Shop & Co',
    'run 2',
    'Recent messages only',
    '70 %',
    '2 channels, 700 messages. The older system has 1,000 messages.',
    '1. Brands and channels Done',
    '1.0 s 2 channels',
    '2. Recent messages Done',
    '3. Older messages Running',
    '200 messages',
    '5. Final check Waiting',
    'Earlier runs',
    '1 Failed',
  ]) {
    expect(text).toContain(part);
  }
  expect(html).toContain('data-job="/account-moves/acc%3A7%40x/events"');
  expect(html).not.toContain('/run"');
  expect(html).not.toContain('/inbox/');
  const own = (await mia.get('/account-moves/acc%3A7%40x')).text;
  expect(own).toContain('href="/inbox/acc%3A7%40x"');
  expect(own).toContain('/next-run"');
});

test('the event stream of a migration sends its state and its rendered stages, and ends when the migration ends', async () => {
  await addMove(here, 'a-1', failed);
  const { text } = await vic.get('/account-moves/a-1/events');
  const events = text.split('\n\n').filter(Boolean);
  expect(events).toHaveLength(1);
  expect(JSON.parse(events[0]?.replace(/^data: /, '') ?? '')).toMatchObject({
    state: 'done',
    live: expect.stringContaining('&lt;b&gt;throttled'),
  });
});

test('an account whose id cannot be part of a URL has a page with its number in the URL', async () => {
  for (const id of ['.', '..', 'waves']) {
    const move = await addMove(here, id);
    const { headers } = await vic.get(`/account-moves?q=${encodeURIComponent(id)}`);
    expect(headers['location']).toBe(`/account-moves/~${move.account_id}`);
    const text = textOf((await vic.get(headers['location'] ?? '')).text);
    expect(text).toContain(`Account ${id}`);
  }
});

test('the page of an unknown account answers 404', async () => {
  for (const part of ['nobody', '~99', 'a%20b', '~0']) {
    for (const path of [part, `${part}/events`]) {
      const { status } = await vic.get(`/account-moves/${path}`);
      expect([path, status]).toEqual([path, 404]);
    }
  }
});

test('a person can retry a failed migration, which continues where it stopped; a viewer may not', async () => {
  const { account_id: id } = await addMove(here, 'a-1', failed);
  expect((await vic.post('/account-moves/a-1/run')).status).toBe(403);
  expect(textOf((await mia.get('/account-moves/a-1')).text)).toContain('Retry');
  const answer = await mia.post('/account-moves/a-1/run');
  expect([answer.status, answer.headers['location']]).toEqual([303, '/account-moves/a-1']);
  const after = await byAccount(here.sql, id);
  expect(after).toMatchObject({ migration_status: 'channels-only', run: 1, person: '' });
  expect(await jobs.byId(here.sql, after?.job ?? '')).toMatchObject({
    kind: 'move-opening',
    state: 'waiting',
    person: 'mia@example.com',
  });
  const again = await mia.post('/account-moves/a-1/run');
  expect(again.status).toBe(303);
  expect(textOf((await mia.get('/account-moves/a-1')).text)).toContain('Nothing was changed');
});

test('one click retries all accounts that failed for the same cause; accounts of a migration wave get a low-priority job (move-wave)', async () => {
  // The older system was never asked about this account and does not answer now, so the retry skips
  // it.
  await addMove(here, 'a-0', { ...failed, asked_at: null });
  await addMove(here, 'a-1', failed);
  await addMove(here, 'a-2', { ...failed, error_code: 'denied' });
  await run(
    here.sql,
    sql`insert into wave (id, name, at_once, state, person, created_at)
        values (3, 'North', 2, 'running', 'mia@example.com', utc_timestamp(3))`,
  );
  const member = await addMove(here, 'a-3', { ...failed, wave_id: 3 });
  await run(
    here.sql,
    sql`insert into wave_account (wave_id, account_id, run) values (3, ${member.account_id}, 1)`,
  );
  expect((await vic.post('/account-moves/retries', { cause: 'throttled' })).status).toBe(403);
  expect((await mia.post('/account-moves/retries', { cause: 'throttled' })).status).toBe(303);
  const kinds = await select<{ kind: string }>(here.sql, sql`select kind from job order by kind`);
  expect(kinds.map(({ kind }) => kind)).toEqual(['move-opening', 'move-wave']);
  const text = textOf((await mia.get('/account-moves')).text);
  expect(text).toMatch(
    /2 accounts go on where they stopped\. 1 was passed over: .* does not answer/,
  );
  expect(text).toContain('Retry 1 account');
});

test('an account is migrated again only after a person enters its id, and a wrong entry stays in the form', async () => {
  const { account_id: id } = await addMove(here, 'a-1', {
    ...asked,
    migration_status: 'completed',
    run: 1,
  });
  const path = '/account-moves/a-1/next-run';
  expect((await vic.get(path)).status).toBe(403);
  expect((await vic.post(path, { confirm: 'a-1' })).status).toBe(403);
  expect(textOf((await mia.get(path)).text)).toContain('Run 2 reads the whole account once more');
  for (const confirm of ['', 'A-1', 'a-2"']) {
    const answer = await mia.post(path, { confirm });
    expect([confirm, answer.status]).toEqual([confirm, 422]);
    expect(answer.text).toContain('id="e-confirm"');
    expect(answer.text).toContain(`value="${confirm.replace('"', '&#34;')}"`);
  }
  expect((await byAccount(here.sql, id))?.run).toBe(1);
  expect((await mia.post(path, { confirm: ' a-1 ' })).status).toBe(303);
  expect(await byAccount(here.sql, id)).toMatchObject({ run: 2, migration_status: 'migrating' });
  const [event] = await eventsOf(here.sql, id);
  expect(event).toMatchObject({ run: 2, name: 'migrating' });
});

test('the migration of an account that was never migrated can be started, but cannot be repeated', async () => {
  const { account_id: id } = await addMove(here, 'a-1', asked);
  expect((await mia.get('/account-moves/a-1')).text).not.toContain('next-run');
  expect((await mia.get('/account-moves/a-1/next-run')).status).toBe(409);
  expect((await mia.post('/account-moves/a-1/run')).status).toBe(303);
  expect(await byAccount(here.sql, id)).toMatchObject({ run: 1, person: 'mia@example.com' });
});

test('a person retries or discards the dead letters (recorded failures) of an account by cause, and must give a reason to discard', async () => {
  await addMove(here, 'a-1', { ...asked, migration_status: 'completed', run: 1, failed: 3 });
  const payload = { what: 'message', account: 1, run: 1, cursor: 'x', item: null };
  await addLetters(here, [
    { subject: 'a-1', cause: 'invalid', payload, key: '1' },
    { subject: 'a-1', cause: 'invalid', payload, key: '2' },
    { subject: 'a-1', cause: 'timeout', payload, key: '3' },
    { subject: 'other', cause: 'invalid', payload, key: '4' },
  ]);
  const path = '/account-moves/a-1/records';
  const open = () =>
    select<{ item_key: string }>(
      here.sql,
      sql`select item_key from dead_letter where state = 'open' and retry_job is null order by id`,
    );
  expect(textOf((await vic.get('/account-moves/a-1')).text)).toContain(
    'Invalid 2 The record has no body',
  );
  expect((await vic.get('/account-moves/a-1')).text).not.toContain('discarding');
  expect((await vic.post(`${path}/retry`, { cause: 'timeout' })).status).toBe(403);
  expect((await vic.get(`${path}/discarding?cause=invalid`)).status).toBe(403);
  expect((await vic.post(`${path}/discarding`, { cause: 'invalid', reason: 'x' })).status).toBe(
    403,
  );
  expect((await mia.post(`${path}/retry`, { cause: 'timeout' })).status).toBe(303);
  expect((await open()).map((one) => one.item_key)).toEqual(['1', '2', '4']);
  expect(textOf((await mia.get(`${path}/discarding?cause=invalid`)).text)).toContain(
    'Discard 2 records?',
  );
  const wrong = await mia.post(`${path}/discarding`, { cause: 'invalid', reason: ' ' });
  expect(wrong.status).toBe(422);
  expect(wrong.text).toContain('id="e-reason"');
  expect(wrong.text).toContain('name="cause" value="invalid"');
  const reason = 'Sent by a test';
  expect((await mia.post(`${path}/discarding`, { cause: 'invalid', reason })).status).toBe(303);
  expect((await open()).map((one) => one.item_key)).toEqual(['4']);
  expect((await mia.get(`${path}/discarding?cause=invalid`)).status).toBe(409);
  expect(
    await select(
      here.sql,
      sql`select note, ended_by from dead_letter where state = 'discarded' limit 1`,
    ),
  ).toEqual([{ note: reason, ended_by: 'mia@example.com' }]);
  await mia.post('/account-moves/record-retries', { cause: 'invalid' });
  expect(await open()).toEqual([]);
});

test('discarding a dead letter (recorded failure) on the page of all dead letters lowers the account’s count of failed records', async () => {
  const { account_id: account } = await addMove(here, 'a-1', { ...asked, run: 1, failed: 2 });
  const payload = { what: 'message', account, run: 1, cursor: 'x', item: null };
  await addLetters(here, [{ subject: 'a-1', payload }]);
  const [letter] = await select<{ id: number }>(here.sql, sql`select id from dead_letter`);
  const ops = await site.as('ops');
  await ops.post(`/dead-letters/${letter?.id}/discarding`, { reason: 'Obsolete' });
  expect(await byAccount(here.sql, account)).toMatchObject({ failed: 1 });
});

test('only people who may read inboxes see the message texts in dead letters (recorded failures)', async () => {
  await addLetters(here, [{ subject: 'a-1', payload: { item: { body: 'very private' } } }]);
  expect((await vic.get('/dead-letters')).text).not.toContain('very private');
  expect((await mia.get('/dead-letters')).text).toContain('very private');
});

test('a person may look up an account id in the older system Conversations, and gets 503 if that system does not answer', async () => {
  const { text } = await mia.get('/account-moves?q=new-1');
  expect(textOf(text)).toContain('Ask the older system about new-1');
  expect(textOf((await vic.get('/account-moves?q=new-1')).text)).not.toContain(
    'Ask the older system',
  );
  expect((await vic.post('/account-moves', { account: 'new-1' })).status).toBe(403);
  expect((await mia.post('/account-moves', { account: 'new-1' })).status).toBe(503);
  expect((await mia.post('/account-moves', { account: 'new 1' })).status).toBe(422);
});

test('many dead letters are retried at low priority, and dead letters that a job already retries are skipped and counted (28, 30)', async () => {
  await addMove(here, 'a-1', { ...asked, migration_status: 'completed', run: 1, failed: 3 });
  const payload = { what: 'message', account: 1, run: 1, cursor: 'x', item: null };
  const keys = ['1', '2', '3'];
  await addLetters(
    here,
    keys.map((key) => ({ subject: 'a-1', cause: 'invalid', payload, key })),
  );
  const [, second] = await openOnes(here.sql, every);
  expect(second).not.toHaveProperty('payload');
  await deadLetters.retry(here, second?.id ?? 0, 'ops@example.com');
  await mia.post('/account-moves/a-1/records/retry', { cause: 'invalid' });
  expect(
    await select(
      here.sql,
      sql`select name, priority from job where kind = 'dead-letter' order by name`,
    ),
  ).toEqual([
    { name: 'Retry of 1', priority: 'low' },
    { name: 'Retry of 2', priority: 'high' },
    { name: 'Retry of 3', priority: 'low' },
  ]);
  expect(textOf((await mia.get('/account-moves/a-1')).text)).toContain(
    '2 records are retried. 1 is passed over: a job retries them, or has ended them meanwhile.',
  );
  const discarded = await mia.post('/account-moves/a-1/records/discarding', {
    cause: 'invalid',
    reason: 'x',
  });
  expect(discarded.status).toBe(303);
  expect(textOf((await mia.get('/account-moves/a-1')).text)).toContain(
    '0 records are discarded. 3 are passed over',
  );
});

test('the buttons for 1,002 dead letters say that one click retries or discards 1,000 of them (29)', async () => {
  await addMove(here, 'a-1', { ...asked, migration_status: 'completed', run: 1 });
  await addLetters(
    here,
    Array.from({ length: 1002 }, (_none, index) => ({ subject: 'a-1', key: String(index) })),
  );
  expect(textOf((await mia.get('/account-moves/a-1')).text)).toContain(
    'Retry 1,000 of 1,002 records',
  );
  expect(
    textOf((await mia.get('/account-moves/a-1/records/discarding?cause=invalid')).text),
  ).toContain('Discard 1,000 of 1,002 records?');
  const { letters, left } = await undecidedOnes(here.sql, every);
  expect([letters.length, left]).toEqual([1000, 2]);
  expect(await openOnes(here.sql, every, letters.at(-1)?.id)).toHaveLength(2);
});
