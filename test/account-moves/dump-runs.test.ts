// Migration runs that read one or two dumps (exports of the account): every record arrives, even if the second dump
// leaves out records of the first.
import { beforeAll, expect, test } from 'vitest';
import { dumpOf, writeDump, type Dumped } from '../../demo/conversations/dump.ts';
import { messageItems, threadItems } from '../../demo/conversations/records.ts';
import { attachmentDelays } from '../../src/account-moves/attachment-fetch.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { checkMove } from '../support/move-checker.ts';
import { moved, requested } from '../support/moving.ts';

const { world, older } = useMovingWorld({ MOVE_RECENT_MESSAGES: '100' });
const here = () => world.staging;

beforeAll(() => {
  Object.assign(attachmentDelays, { retry: 1, pause: 1, idle: 5 });
});

type Account = Awaited<ReturnType<typeof older.add>>;

/**
 * Writes a dump of some messages of an account, and of the threads and attachments of these
 * messages only.
 */
async function dumpPart(account: Account, location: string, [from, to]: [number, number]) {
  const messages = [...messageItems(account)].slice(from, to);
  const threads = [...threadItems(account)].filter((thread) =>
    messages.some((message) => message['thread_id'] === thread.id),
  );
  const ids = new Set(
    messages.flatMap(({ attachments = [] }) =>
      (attachments as { id: string }[]).map(({ id }) => id),
    ),
  );
  const attachments = [...dumpOf(account).attachments].filter(({ id }) => ids.has(id));
  await writeDump(here().storage, `${location}/`, {
    account_id: account.id,
    messages,
    threads,
    attachments,
  });
}

test('S4-34 after a dump (export) with an account’s recent messages, a second dump with only the other records completes the migration', async () => {
  const account = await older.add({ id: 'two', messages: 300 });
  await dumpPart(account, 'dumps/two-a', [0, 99]);
  await dumpPart(account, 'dumps/two-b', [99, 300]);
  expect(await moved(here(), 'two', { part: 'recent', location: 'dumps/two-a' })).toMatchObject({
    migration_status: 'recent-messages-only',
    messages: 99,
  });
  expect(await moved(here(), 'two', { part: 'remaining', location: 'dumps/two-b' })).toMatchObject({
    migration_status: 'completed',
    messages: 300,
    attachments: 30,
    skipped: 0,
  });
  expect(await checkMove(here(), older, 'two')).toEqual([]);
});

test('S4-34 a request to migrate the remaining messages from a second dump (export) gets 409 until the recent messages have arrived', async () => {
  const account = await older.add({ id: 'early', messages: 150 });
  await dumpPart(account, 'dumps/early-a', [0, 100]);
  await dumpPart(account, 'dumps/early-b', [100, 150]);
  await requested(here(), 'early', { part: 'recent', location: 'dumps/early-a' });
  const early = requested(here(), 'early', { part: 'remaining', location: 'dumps/early-b' });
  await expect(early).rejects.toMatchObject({ status: 409 });
});

test('a migration run that failed while it read recent messages continues with a dump (export), and migrates even old messages', async () => {
  const newest = new Date(Date.now() - 400 * 24 * 60 * 60 * 1000);
  const account = await older.add({ id: 'old', messages: 300, newest });
  await writeDump(here().storage, 'dumps/old/', dumpOf(account));
  await requested(here(), 'old');
  await run(
    here().sql,
    sql`update account_move
           set migration_status = 'failed', reached = 'channels-only', stage = 'recent', messages = 50,
               position = '2020'`,
  );
  expect(await moved(here(), 'old', { location: 'dumps/old' })).toMatchObject({
    migration_status: 'completed',
    messages: 300,
  });
});

test('S4-44 broken lines with the same line number in two dumps (exports) of an account become two dead letters that name their dump', async () => {
  const account = await older.add({ id: 'broken', messages: 120 });
  const all: Dumped = { ...dumpOf(account), attachments: [...dumpOf(account).attachments] };
  const messages = [...messageItems(account)];
  const threads = [...threadItems(account)];
  const dump = (location: string, some: Dumped['messages']) =>
    writeDump(here().storage, location, { ...all, threads, messages: some });
  await dump('dumps/broken-a/', ['broken', ...messages.slice(0, 60)]);
  await dump('dumps/broken-b/', ['other', ...messages.slice(60)]);
  await moved(here(), 'broken', { part: 'recent', location: 'dumps/broken-a' });
  await moved(here(), 'broken', { part: 'remaining', location: 'dumps/broken-b' });
  const letters = await select<{ item_key: string }>(
    here().sql,
    sql`select item_key from dead_letter order by item_key`,
  );
  expect(letters.map(({ item_key: key }) => key)).toEqual([
    'message 1:1 in dumps/broken-a',
    'message 1:1 in dumps/broken-b',
  ]);
});

test('S4-44 a line of a dump (export) that is too large for the database becomes a dead letter, and all messages are migrated', async () => {
  const account = await older.add({ id: 'large', messages: 60 });
  const messages = ['x'.repeat(9_000_000), ...messageItems(account)];
  await writeDump(here().storage, 'dumps/large/', { ...dumpOf(account), messages });
  expect(await moved(here(), 'large', { location: 'dumps/large' })).toMatchObject({
    migration_status: 'completed',
    messages: 60,
    failed: 1,
    error_code: null,
  });
});

test('a new migration request with the right location of a dump (export) replaces the wrong location of an earlier request', async () => {
  const account = await older.add({ id: 'misplaced', messages: 60 });
  await writeDump(here().storage, 'dumps/misplaced/', dumpOf(account));
  await requested(here(), 'misplaced', { location: 'dumps/wrong' });
  await run(here().sql, sql`update account_move set failing_since = utc_timestamp(3)`);
  expect(await moved(here(), 'misplaced', { location: 'dumps/misplaced' })).toMatchObject({
    migration_status: 'completed',
    location: 'dumps/misplaced',
    messages: 60,
  });
});
