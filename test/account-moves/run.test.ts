// Whole migration runs with the older system of the demo and its DynamoDB store: which records arrive in Oneway, in
// which order, and what happens to records that cannot be read.
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { dumpOf, writeDump } from '../../demo/conversations/dump.ts';
import { attachmentDelays } from '../../src/account-moves/attachment-fetch.ts';
import { patience } from '../../src/account-moves/patience.ts';
import { discardLetters, retryLetters } from '../../src/account-moves/retries.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { checkMove } from '../support/move-checker.ts';
import { finish, moved, moveOf, requested } from '../support/moving.ts';

const { world, older } = useMovingWorld({ MOVE_RECENT_MESSAGES: '50' });
const here = () => world.staging;

beforeAll(() => {
  Object.assign(attachmentDelays, { retry: 1, pause: 1, idle: 5 });
  Object.assign(patience, { recordDelay: 1, attachment: 300 });
});
beforeEach(() => {
  failpoints.reached = () => {};
});

let count = 0;
/** Returns an account id that no other test uses, because the DynamoDB store keeps the records of all tests. */
const newId = () => `shop-${(count += 1)}`;

const statusesOf = async (account: string) =>
  (
    await select<{ name: string }>(
      here().sql,
      sql`select event.name from account_move_event event join inbox_account account on account.id = event.account_id
           where external_id = ${account} and kind = 'status' order by event.id`,
    )
  ).map(({ name }) => name);

const lettersOf = (account: string) =>
  select<{ id: number; item_key: string; cause: string; reason: string; state: string }>(
    here().sql,
    sql`select * from dead_letter where subject = ${account} order by id`,
  );

test('S4-01 S4-05 S4-06 S4-07 S4-08 S4-15 S4-20 S4-22 S4-23 S4-24 S4-25 S4-26 S4-85 a migration stores all channels and messages of an account, and reaches its statuses in order', async () => {
  const id = newId();
  await older.add({ id, messages: 300 });
  const move = await moved(here(), id);
  expect(move).toMatchObject({ migration_status: 'completed', messages: 300, channels: 3 });
  expect(await statusesOf(id)).toEqual([
    'not_started',
    'migrating',
    'channels-only',
    'recent-messages-only',
    'completed',
  ]);
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-41 S4-45 records and attachments that cannot be read become dead letters with their causes, and everything else arrives', async () => {
  const id = newId();
  await older.add({ id, messages: 120, isOdd: true });
  const move = await moved(here(), id);
  expect(move).toMatchObject({ migration_status: 'completed', failed: 3, skipped: 4 });
  const causes = (await lettersOf(id)).map(({ cause }) => cause).toSorted();
  expect(causes).toEqual([
    'host-not-listed',
    'media-failed',
    'not-found',
    'too-large',
    'unreadable-message',
    'unreadable-message',
    'unreadable-message',
  ]);
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-44 retrying dead letters stores the records that were repaired in the older system', async () => {
  const id = newId();
  const account = await older.add({ id, messages: 80, isOdd: true });
  await moved(here(), id);
  const broken = (await lettersOf(id)).filter(({ cause }) => cause === 'unreadable-message');
  // Replaces the account in the older system by the same account without broken records.
  await older.add({ ...account, isOdd: false });
  const { count: retried, jobs } = await retryLetters(here(), {
    account: id,
    cause: 'unreadable-message',
    person: 'mia@example.com',
  });
  expect(retried).toBe(broken.length);
  for (const job of jobs) await runJob(here(), tasks, job.id);
  const open = (await lettersOf(id)).filter(({ state }) => state === 'open');
  expect(open.map(({ cause }) => cause)).not.toContain('unreadable-message');
  expect(await moveOf(here(), id)).toMatchObject({ failed: 0, messages: 80 });
});

test('a person needs a reason to discard dead letters, which then no longer count as failed records', async () => {
  const id = newId();
  await older.add({ id, messages: 60, isOdd: true });
  await moved(here(), id);
  const wanted = { account: id, cause: 'unreadable-message', person: 'mia@example.com' };
  await expect(discardLetters(here(), { ...wanted, reason: ' ' })).rejects.toMatchObject({
    fields: { reason: expect.any(String) },
  });
  expect(await discardLetters(here(), { ...wanted, reason: 'Test data' })).toMatchObject({
    count: 3,
  });
  expect(await moveOf(here(), id)).toMatchObject({ failed: 0, skipped: 4 });
  expect((await lettersOf(id)).filter(({ state }) => state === 'open')).toHaveLength(4);
});

test('S4-25 messages that arrive in the older system during a migration are stored before the migration completes', async () => {
  const id = newId();
  const { newest } = await older.add({ id, messages: 90 });
  failpoints.reached = async (name) => {
    if (name !== 'move recent ends') return;
    const at = new Date(newest.getTime() + 60_000).toISOString();
    const item = { account_id: id, position: `${at}#late`, id: 'late', thread_id: 't-late' };
    await older.store.send(
      new PutCommand({
        TableName: 'messages',
        Item: { ...item, direction: 'in', body: 'I am late' },
      }),
    );
    await older.store.send(
      new PutCommand({
        TableName: 'threads',
        Item: { account_id: id, id: 't-late', channel_id: 'web', last_at: at },
      }),
    );
  };
  expect(await moved(here(), id)).toMatchObject({ migration_status: 'completed', messages: 91 });
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-42 a migration run requested with force reads all records again, overwrites changed texts and marks deleted messages', async () => {
  const id = newId();
  const account = await older.add({ id, messages: 70, perThread: 5 });
  await moved(here(), id);
  await older.add({ ...account, bodyLength: 200 });
  const gone = await select<{ position: string; thread_id: string }>(
    here().sql,
    sql`select position, thread_id from inbox_message message join inbox_account account on account.id = account_id
         where external_id = ${id} order by position limit 1`,
  );
  const { position } = gone[0] ?? { position: '' };
  await older.store.send(
    new DeleteCommand({ TableName: 'messages', Key: { account_id: id, position } }),
  );
  const before = await requested(here(), id, { force: true });
  expect(before).toMatchObject({
    isAccepted: true,
    move: { run: 2, migration_status: 'migrating' },
  });
  const [shown] = await select<{ count: number }>(
    here().sql,
    sql`select count(*) as count from inbox_message message join inbox_account account on account.id = account_id
         where external_id = ${id}`,
  );
  expect(shown?.count).toBe(70);
  expect(await finish(here(), id)).toMatchObject({ migration_status: 'completed', messages: 69 });
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-32 S4-33 S4-70 a migration reads messages from DynamoDB, not through the API of the older system Conversations', async () => {
  const id = newId();
  await older.add({ id, messages: 60, attachmentEvery: 0 });
  await moved(here(), id);
  const paths = () => older.requests.map(({ path }) => path).filter((path) => path.includes(id));
  expect(paths()).toEqual([
    `/accounts/${id}`,
    `/accounts/${id}`,
    `/get_channels_to_migrate?account_id=${id}`,
  ]);
  expect(await requested(here(), id)).toMatchObject({ isAccepted: false });
  expect(await finish(here(), id)).toMatchObject({ run: 1, messages: 60 });
  expect(paths()).toHaveLength(3);
});

test('a migration run does not change rows that were created in Oneway itself', async () => {
  const id = newId();
  await older.add({ id, messages: 10 });
  const { move } = await requested(here(), id);
  await run(
    here().sql,
    sql`insert into inbox_channel (account_id, id, kind, name, run) values (${move.account_id}, 'web', 'webchat', 'Ours', null)`,
  );
  await finish(here(), id);
  const [kept] = await select<{ name: string; run: number | null }>(
    here().sql,
    sql`select name, run from inbox_channel where account_id = ${move.account_id} and id = 'web'`,
  );
  expect(kept).toEqual({ name: 'Ours', run: null });
});

test('S4-12 an account that the older system does not know needs no migration, and the next request asks the older system again', async () => {
  const id = newId();
  expect(await requested(here(), id)).toMatchObject({
    isAccepted: false,
    job: null,
    move: { migration_status: 'not_needed' },
  });
  await older.add({ id, messages: 5 });
  expect(await requested(here(), id)).toMatchObject({ isAccepted: true });
  expect(await finish(here(), id)).toMatchObject({ migration_status: 'completed' });
});

test('S4-30 a migration run for only the recent messages stops after them, and a request for the remaining messages continues the run', async () => {
  const id = newId();
  await older.add({ id, messages: 120 });
  const stopped = await moved(here(), id, { part: 'recent' });
  expect(stopped).toMatchObject({ migration_status: 'recent-messages-only', messages: 50 });
  expect(await requested(here(), id, { part: 'recent' })).toMatchObject({ isAccepted: false });
  const whole = await moved(here(), id, { part: 'remaining' });
  expect(whole).toMatchObject({ migration_status: 'completed', messages: 120, run: 1 });
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-34 the recent and later the remaining messages are migrated from one dump (export), with the attachments in the dump', async () => {
  const id = newId();
  const account = await older.add({ id, messages: 120, attachmentEvery: 15 });
  await writeDump(here().storage, `dumps/${id}/`, dumpOf(account), { perPart: 30 });
  const location = `dumps/${id}`;
  const asked = older.requests.length;
  expect(await moved(here(), id, { part: 'recent', location })).toMatchObject({
    migration_status: 'recent-messages-only',
    messages: 50,
  });
  expect(await moved(here(), id, { part: 'remaining', location })).toMatchObject({
    migration_status: 'completed',
    messages: 120,
    attachments: 8,
    run: 1,
  });
  const paths = older.requests.slice(asked).map(({ path }) => path);
  expect(paths.filter((path) => path.startsWith('/media'))).toEqual([]);
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-34 the remaining messages of an account may come from a second dump (export), which is read from its beginning', async () => {
  const id = newId();
  const account = await older.add({ id, messages: 120, attachmentEvery: 0 });
  const whole = dumpOf(account);
  const messages = [...whole.messages];
  const [newer, rest] = [messages.slice(0, 50), messages.slice(40)];
  await writeDump(here().storage, `dumps/${id}-1/`, { ...whole, messages: newer });
  await writeDump(here().storage, `dumps/${id}-2/`, { ...dumpOf(account), messages: rest });
  await moved(here(), id, { part: 'recent', location: `dumps/${id}-1` });
  expect(await moved(here(), id, { part: 'remaining', location: `dumps/${id}-2` })).toMatchObject({
    migration_status: 'completed',
    messages: 120,
  });
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-43 S4-47 a migration waits while the store (DynamoDB) fails, fails after an hour, and continues where it stopped when it is retried', async () => {
  const id = newId();
  await older.add({ id, messages: 120 });
  await moved(here(), id, { part: 'recent' });
  older.fail({ match: /Query\w* messages/, name: '401' });
  const { job } = await requested(here(), id, { part: 'remaining' });
  await runJob(here(), tasks, job?.id ?? '');
  expect(await moveOf(here(), id)).toMatchObject({
    migration_status: 'recent-messages-only',
    error_code: expect.any(String),
    failing_since: expect.any(String),
  });
  await run(
    here().sql,
    sql`update account_move set failing_since = utc_timestamp(3) - interval 61 minute`,
  );
  const failed = await finish(here(), id);
  expect(failed).toMatchObject({ migration_status: 'failed', reached: 'recent-messages-only' });
  expect(failed.messages).toBe(50);
  older.heal();
  const position = failed.position;
  expect((await requested(here(), id)).move.position).toBe(position);
  expect(await finish(here(), id)).toMatchObject({ migration_status: 'completed', messages: 120 });
  expect(await statusesOf(id)).toContain('failed');
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-44 a record that can never be read becomes a dead letter, and all other records arrive', async () => {
  const id = newId();
  const { newest } = await older.add({ id, messages: 70 });
  const cursor = newest.toISOString().slice(0, 23);
  older.fail({ match: new RegExp(`messages ${id} ${cursor}`), name: '500' });
  const move = await moved(here(), id);
  expect(move.migration_status).toBe('completed');
  expect(move.failed).toBeGreaterThan(0);
  expect(move.messages + move.failed).toBe(70);
  older.heal();
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-41 while the host of the attachments fails, a migration run pauses ten times and then completes without the attachments', async () => {
  const id = newId();
  await older.add({ id, messages: 100, attachmentEvery: 5 });
  older.fail({ match: /GET \/media/, name: '500' });
  const move = await moved(here(), id);
  expect(move).toMatchObject({ migration_status: 'completed', attachments: 0, skipped: 20 });
  expect(move.media_pauses).toBe(10);
  older.heal();
  expect(await checkMove(here(), older, id)).toEqual([]);
}, 60_000);

test('S4-45 a record that MySQL refuses is found by storing its page of records in smaller and smaller halves, and becomes a dead letter', async () => {
  const id = newId();
  await older.add({ id, messages: 100 });
  await run(
    here().sql,
    sql`alter table inbox_message add constraint refused check (position not like '%m-0000077' and position not like '%m-0000013')`,
  );
  try {
    expect(await moved(here(), id)).toMatchObject({ messages: 98, failed: 2 });
    const causes = (await lettersOf(id)).map(({ cause }) => cause);
    expect(causes).toEqual(['refused-by-database', 'refused-by-database']);
    expect(await checkMove(here(), older, id)).toEqual([]);
  } finally {
    await run(here().sql, sql`alter table inbox_message drop constraint refused`);
  }
});

test('S4-02 S4-72 brands and channels that cannot be stored become dead letters, and the migration completes nevertheless', async () => {
  const id = newId();
  await older.add({ id, messages: 5 });
  const account = older.accounts.get(id);
  if (!account) throw new Error('no account');
  const { sealed } = await import('../../demo/conversations/accounts.ts');
  older.accounts.set(id, {
    ...account,
    sealed: sealed({ brands: [{ id: 'b' }], channels: [{ id: 'x y', kind: 'sms', name: 'Text' }] }),
  });
  const move = await moved(here(), id);
  expect(move).toMatchObject({ migration_status: 'completed', channels: 0, failed: 2 });
  expect((await lettersOf(id)).map(({ item_key: key }) => key)).toEqual(['brand b', 'channel x y']);
});

test('S4-47 a migration fails when the account disappears from the older system during the migration run', async () => {
  const id = newId();
  await older.add({ id, messages: 5 });
  await requested(here(), id);
  older.accounts.delete(id);
  expect(await finish(here(), id)).toMatchObject({
    migration_status: 'failed',
    error_code: 'account-unknown',
  });
});

test('while the older system Conversations does not answer, a request for a new account gets 503 and records nothing', async () => {
  const id = newId();
  older.fail({ match: /GET \/accounts/, name: '500' });
  await expect(requested(here(), id)).rejects.toMatchObject({ status: 503 });
  const found = await select(
    here().sql,
    sql`select id from inbox_account where external_id = ${id}`,
  );
  expect(found).toEqual([]);
});
