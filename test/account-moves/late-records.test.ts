// Records that the older system stores during a migration run, or that are repaired after the run: they are stored with
// their threads and attachments, and counted once.
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, expect, test } from 'vitest';
import { messageItems } from '../../demo/conversations/records.ts';
import { attachmentDelays } from '../../src/account-moves/attachment-fetch.ts';
import { patience } from '../../src/account-moves/patience.ts';
import { discardLetters, retryLetters } from '../../src/account-moves/retries.ts';
import { select, sql } from '../../src/database/sql.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { checkMove } from '../support/move-checker.ts';
import { finish, moved, moveOf, requested } from '../support/moving.ts';
import { onceAt } from '../support/once-at.ts';

const { world, older } = useMovingWorld({ MOVE_RECENT_MESSAGES: '50' });
const here = () => world.staging;
const person = 'mia@example.com';

beforeAll(() => {
  Object.assign(attachmentDelays, { retry: 1, pause: 1, idle: 5 });
  Object.assign(patience, { recordDelay: 1, attachment: 300 });
});

const put = (table: string, Item: Record<string, unknown>) =>
  older.store.send(new PutCommand({ TableName: table, Item }));

/** Retries the dead letters of an account with one cause, and runs the jobs that follow. */
async function retryAll(account: string, cause: string) {
  const { jobs } = await retryLetters(here(), { account, cause, person });
  for (const { id } of jobs) await runJob(here(), tasks, id);
  const { job } = await moveOf(here(), account);
  await runJob(here(), tasks, job ?? '');
}

/**
 * Makes the newest message of an account invalid; returns the valid message, which has an
 * attachment.
 */
async function breakNewest(account: Awaited<ReturnType<typeof older.add>>) {
  const [first] = [...messageItems(account)];
  if (!first) throw new Error('The account has no messages');
  await put('messages', { ...first, direction: 'sideways' });
  return first;
}

test('S4-25 the attachment of a message that arrives during the migration is fetched', async () => {
  const id = 'late';
  const { newest, media } = await older.add({ id, messages: 60 });
  onceAt('move recent ends', async () => {
    const at = new Date(newest.getTime() + 60_000).toISOString();
    const url = `${media}/media/${id}/f-0`;
    await put('messages', {
      account_id: id,
      position: `${at}#late`,
      id: 'late',
      thread_id: 't-0',
      direction: 'in',
      body: 'With a picture',
      attachments: [{ id: 'f-0', name: 'a.png', type: 'image/png', url }],
    });
  });
  expect(await moved(here(), id)).toMatchObject({ migration_status: 'completed', messages: 61 });
  expect(await checkMove(here(), older, id)).toEqual([]);
});

test('S4-44 if a broken message is repaired in the older system after the migration run, retrying its dead letter fetches its attachments', async () => {
  const account = await older.add({ id: 'mended', messages: 60 });
  const whole = await breakNewest(account);
  await moved(here(), 'mended');
  await put('messages', whole);
  await retryAll('mended', 'unreadable-message');
  expect(await moveOf(here(), 'mended')).toMatchObject({
    migration_status: 'completed',
    messages: 60,
    failed: 0,
    attachments: 6,
  });
  expect(await checkMove(here(), older, 'mended')).toEqual([]);
});

test('retrying the dead letter of a message whose thread does not exist stores a placeholder thread, marked as gone', async () => {
  const account = await older.add({ id: 'orphan', messages: 60 });
  const whole = await breakNewest(account);
  await moved(here(), 'orphan');
  await put('messages', { ...whole, thread_id: 'nowhere', attachments: [] });
  await retryAll('orphan', 'unreadable-message');
  expect(await checkMove(here(), older, 'orphan')).toEqual([]);
});

test('S4-41 retrying the dead letter of an attachment marks the attachment as gone if its message in the older system no longer has it', async () => {
  const account = await older.add({ id: 'without', messages: 60, isOdd: true });
  await moved(here(), 'without');
  await older.add({ ...account, isOdd: false });
  await retryAll('without', 'too-large');
  expect(await moveOf(here(), 'without')).toMatchObject({ skipped: 3 });
  const gone = await select<{ id: string }>(
    here().sql,
    sql`select id from inbox_attachment where gone_at is not null`,
  );
  expect(gone).toEqual([{ id: 'large' }]);
});

test('S4-42 after the older system deleted a message, the next migration run marks it as gone, even if its attachment was skipped', async () => {
  const account = await older.add({ id: 'gone', messages: 60, isOdd: true });
  await moved(here(), 'gone');
  const position = [...messageItems(account)][32]?.position;
  await older.store.send(
    new DeleteCommand({ TableName: 'messages', Key: { account_id: 'gone', position } }),
  );
  await requested(here(), 'gone', { force: true });
  await finish(here(), 'gone');
  const marked = await select<{ position: string }>(
    here().sql,
    sql`select position from inbox_message where gone_at is not null`,
  );
  expect(marked).toEqual([{ position }]);
  expect(await checkMove(here(), older, 'gone')).toEqual([]);
});

test('S4-44 a record whose key is very long or not ASCII becomes a dead letter, and all other records arrive', async () => {
  await older.add({ id: 'odd-keys', messages: 60 });
  const rest = { account_id: 'odd-keys', thread_id: 't-0', direction: 'in', body: 'x' };
  await put('messages', { ...rest, position: 'é#1', id: '1' });
  await put('messages', { ...rest, position: `z${'9'.repeat(900)}#2`, id: '2' });
  expect(await moved(here(), 'odd-keys')).toMatchObject({
    migration_status: 'completed',
    messages: 60,
    failed: 2,
  });
});

test('S4-46 the retry of a failed account migration succeeds after a person has discarded its dead letters', async () => {
  const id = 'discarded';
  await older.add({ id, messages: 90, perThread: 1 });
  for (let number = 0; number < 30; number += 1) {
    await put('threads', {
      account_id: id,
      id: `t-${number}`,
      channel_id: 'web',
      last_at: 'never',
    });
  }
  expect(await moved(here(), id)).toMatchObject({ migration_status: 'failed', failed: 30 });
  await discardLetters(here(), { account: id, person, reason: 'Test data' });
  expect(await moved(here(), id)).toMatchObject({ migration_status: 'completed', failed: 0 });
});

test('while the older system Conversations fails during a migration run, the migration records the error and the time of the first failure', async () => {
  await older.add({ id: 'down', messages: 10 });
  const { job } = await requested(here(), 'down');
  older.fail({ match: /get_channels_to_migrate/, name: '500' });
  await runJob(here(), tasks, job?.id ?? '');
  expect(await moveOf(here(), 'down')).toMatchObject({
    migration_status: 'migrating',
    error_code: 'older-system',
    error_message: expect.stringContaining('500'),
    failing_since: expect.any(String),
  });
  older.heal();
  expect(await finish(here(), 'down')).toMatchObject({
    migration_status: 'completed',
    error_code: null,
  });
});
