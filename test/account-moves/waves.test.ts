// A migration wave migrates a list of accounts in the background, a limited number at a time. A wave can be paused and
// resumed. A person’s request to migrate an account takes the account out of its wave.
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { attachmentDelays } from '../../src/account-moves/attachment-fetch.ts';
import { followMoves } from '../../src/account-moves/follow.ts';
import { advanceWaves } from '../../src/account-moves/wave-starts.ts';
import * as waves from '../../src/account-moves/waves.ts';
import type { JobQueue } from '../../src/jobs/queue.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { run, select, sql, transaction, type Statement } from '../../src/database/sql.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { checkMove } from '../support/move-checker.ts';
import { finish, moved, moveOf, requested } from '../support/moving.ts';

const { world, older } = useMovingWorld({ MOVE_RECENT_MESSAGES: '50' });
const here = () => world.staging;
const ids = ['w-1', 'w-2', 'w-3', 'w-4', 'w-5'];
const mia = 'mia@example.com';

/** The ids of the queued jobs; the tests run these jobs themselves. */
const queued: string[] = [];
const queue: JobQueue = {
  push: async ({ id }) => void queued.push(id),
  pushAll: async (jobs) => void queued.push(...jobs.map(({ id }) => id)),
  close: async () => {},
};

beforeAll(async () => {
  Object.assign(attachmentDelays, { retry: 1, pause: 1, idle: 5 });
  for (const id of ids) await older.add({ id, messages: 70, attachmentEvery: 0 });
});
beforeEach(() => {
  queued.length = 0;
  failpoints.reached = () => {};
});

const add = (accounts = ids, atOnce = 2) =>
  waves.addWave(here(), { name: 'First', accounts, atOnce, person: mia });
const advance = () => advanceWaves(queue)(here());
const countsOf = async (id: number) => {
  const wave = await waves.waveOf(here().sql, id);
  const { state, waiting, running, done, failed, unknown, taken } = wave ?? {};
  return { state, waiting, running, done, failed, unknown, taken };
};
const none = { waiting: 0, running: 0, done: 0, failed: 0, unknown: 0, taken: 0 };

test('a migration wave migrates at most the allowed number of accounts at a time, and ends with its last account', async () => {
  const { id } = await add();
  await advance();
  expect(await countsOf(id)).toEqual({ ...none, state: 'running', running: 2, waiting: 3 });
  await advance();
  expect(queued).toHaveLength(2);
  for (const account of ['w-1', 'w-2']) await finish(here(), account);
  await advance();
  expect(await countsOf(id)).toMatchObject({ done: 2, running: 2, waiting: 1 });
  for (const account of ['w-3', 'w-4']) await finish(here(), account);
  await advance();
  await finish(here(), 'w-5');
  await advance();
  expect(await countsOf(id)).toEqual({ ...none, state: 'done', done: 5 });
  for (const account of ids) expect(await checkMove(here(), older, account)).toEqual([]);
});

test('a migration wave skips an account that the older system Conversations does not know, and counts it as unknown', async () => {
  const { id } = await add(['w-1', 'nobody'], 5);
  await advance();
  await finish(here(), 'w-1');
  await advance();
  expect(await countsOf(id)).toEqual({ ...none, state: 'done', done: 1, unknown: 1 });
  expect(await moveOf(here(), 'nobody')).toMatchObject({ migration_status: 'not_needed', run: 0 });
});

test('pausing a migration wave stops its accounts before their next page of messages, and resuming the wave continues their migration', async () => {
  const { id } = await add(['w-1'], 1);
  await advance();
  failpoints.reached = async (name) => {
    if (name === 'move recent ended') await waves.pauseWave(here(), id, mia);
  };
  await runJob(here(), tasks, queued[0] ?? '');
  failpoints.reached = () => {};
  await followMoves(here());
  const paused = await moveOf(here(), 'w-1');
  expect(paused).toMatchObject({ migration_status: 'recent-messages-only', messages: 50 });
  expect(paused.job).toBe(queued[0]);
  await waves.resumeWave(here(), id, mia);
  await followMoves(here());
  expect(await finish(here(), 'w-1')).toMatchObject({
    migration_status: 'completed',
    run: 1,
    messages: 70,
  });
  expect(await checkMove(here(), older, 'w-1')).toEqual([]);
});

test('S4-13 a person’s request takes an account out of its migration wave, whether the account waits or is being migrated', async () => {
  const { id } = await add(['w-1', 'w-2'], 1);
  await advance();
  const wave = queued[0] ?? '';
  const { job, isAccepted } = await requested(here(), 'w-1');
  expect({ isAccepted, kind: job?.kind }).toEqual({ isAccepted: false, kind: 'move-opening' });
  expect((await requested(here(), 'w-2')).job?.kind).toBe('move-opening');
  await runJob(here(), tasks, wave);
  expect((await moveOf(here(), 'w-1')).migration_status).toBe('migrating');
  for (const account of ['w-1', 'w-2']) await finish(here(), account);
  await advance();
  expect(await countsOf(id)).toEqual({ ...none, state: 'done', taken: 2 });
});

test('a person’s request migrates an account although the migration wave of this account is paused', async () => {
  const { id } = await add(['w-1'], 1);
  await advance();
  await waves.pauseWave(here(), id, mia);
  expect(await moved(here(), 'w-1')).toMatchObject({ migration_status: 'completed' });
});

test('the accounts of a migration wave wait while the older system Conversations does not answer, and start when it answers again', async () => {
  const { id } = await add(['w-1', 'w-2'], 2);
  older.fail({ match: /GET \/accounts/, name: '500' });
  await advance();
  expect(queued).toEqual([]);
  expect(await countsOf(id)).toMatchObject({ state: 'running', waiting: 2 });
  older.heal();
  await run(here().sql, sql`update wave_account set picked_at = picked_at - interval 2 minute`);
  await advance();
  expect(queued).toHaveLength(2);
});

test('processes that start accounts of one migration wave at the same time start no account twice, and no more than allowed', async () => {
  const { id } = await add(ids, 2);
  await Promise.all([advance(), advance(), advance()]);
  expect(queued).toHaveLength(2);
  expect(await countsOf(id)).toMatchObject({ running: 2, waiting: 3 });
});

test('a process that starts accounts of a migration wave just after another process has started some does not exceed the allowed number', async () => {
  const { id } = await add(ids, 2);
  const picked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  failpoints.reached = async (name) => {
    if (name !== 'wave account picked') return;
    picked.resolve();
    await released.promise;
  };
  const first = advance();
  await picked.promise;
  failpoints.reached = async (name) => {
    if (name !== 'waiting accounts of a wave read') return;
    released.resolve();
    await first;
  };
  await advance();
  expect(queued).toHaveLength(2);
  expect(await countsOf(id)).toMatchObject({ running: 2, waiting: 3 });
});

test.each([
  [
    { accounts: ['ok-1', 'not ok', 'ünï'] },
    { accounts: 'These are no ids of accounts: “not ok”, “ünï”' },
  ],
  [{ accounts: ['', ' '] }, { accounts: 'Enter the ids of the accounts, one a line' }],
  [{ name: ' ' }, { name: 'Enter a name of at most 100 characters' }],
  [{ atOnce: 0 }, { atOnce: 'Enter how many move at once, from 1 to 100' }],
  [{ atOnce: 1.5 }, { atOnce: 'Enter how many move at once, from 1 to 100' }],
])(
  'a new migration wave with %j is refused with a message for the wrong field',
  async (given, fields) => {
    const wanted = { name: 'First', accounts: ids, atOnce: 2, person: mia, ...given };
    await expect(waves.addWave(here(), wanted)).rejects.toMatchObject({ fields });
  },
);

test('an account that is in one migration wave cannot be added to another one', async () => {
  await add(['w-1', 'w-2']);
  await expect(add(['w-2', 'w-3'])).rejects.toMatchObject({
    fields: { accounts: 'In the wave “First” already: “w-2”' },
  });
});

/** Runs `work` while another transaction holds the row locks that a statement takes. */
async function whileLocked(statement: Statement, work: () => Promise<unknown>) {
  await transaction(here().sql, async (on) => {
    await select(on, statement);
    await work();
  });
}

const lockMove = (account: string) =>
  sql`select 1 from account_move where account_id = (select id from inbox_account where external_id = ${account})
         for update`;

test('adding a migration wave does not wait for those of its accounts that are already being migrated (20)', async () => {
  await requested(here(), 'w-1');
  await whileLocked(lockMove('w-1'), () => add(['w-1', 'w-9'], 1));
  const [added] = await select<{ age: number }>(
    here().sql,
    sql`select abs(timestampdiff(second, created_at, utc_timestamp(3))) as age
          from inbox_account where external_id = 'w-9'`,
  );
  expect(added?.age).toBeLessThan(60);
});

test('when two migration waves with the same accounts are added at the same time, one of them is refused (20)', async () => {
  const both = await Promise.allSettled([add(['w-7', 'w-8']), add(['w-8', 'w-7'])]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { fields: { accounts: 'In the wave “First” already: “w-7”, “w-8”' } },
  });
});

test('starting accounts of a migration wave does not wait for locks that other transactions hold on an account or a migration (21)', async () => {
  const { id } = await add(['w-1', 'w-2'], 2);
  const w1 = sql`select 1 from wave_account join inbox_account account on account.id = account_id
                  where external_id = 'w-1' for update`;
  await whileLocked(w1, advance);
  expect(queued).toHaveLength(1);
  expect(await countsOf(id)).toMatchObject({ running: 1, waiting: 1 });
  let locked = Promise.resolve();
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  failpoints.reached = async (name) => {
    if (name !== 'wave account requested') return;
    await new Promise<void>((resolve) => {
      locked = whileLocked(lockMove('w-1'), async () => {
        resolve();
        await held;
      });
    });
  };
  await advance();
  release();
  await locked;
  expect(await countsOf(id)).toMatchObject({ running: 2, waiting: 0 });
});
