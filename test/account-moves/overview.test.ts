// The queries of the migration dashboard, also with 100,000 migrations.
import { beforeEach, expect, test } from 'vitest';
import * as overview from '../../src/account-moves/overview.ts';
import { run, select, sql, type Queryable } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { addMany, rowsRead } from '../support/many-moves.ts';
import { addEvents, addLetters, addMove, ago, useMoves } from '../support/moves.ts';

const world = useMoves();
let here: App;
let on: App['sql'];
beforeEach(() => {
  here = world.staging;
  on = here.sql;
});

const all = { group: null, wave: null, search: '', before: null };
const idsOf = async (filter: Partial<overview.MoveFilter>, queryable: Queryable = on) =>
  (await overview.listMoves(queryable, { ...all, ...filter })).map(({ external_id: id }) => id);

async function addSome() {
  await addMove(here, 'a-1');
  await addMove(here, 'a-2', { migration_status: 'migrating' });
  await addMove(here, 'A-3', { migration_status: 'recent-messages-only' });
  const stopped = { reached: 'recent-messages-only', part: 'recent' } as const;
  await addMove(here, 'a_4', { migration_status: 'recent-messages-only', ...stopped });
  await addMove(here, 'b-5', { migration_status: 'completed' });
  await addMove(here, 'b-6', { migration_status: 'failed', error_code: 'throttled' });
  await addMove(here, 'b-7', { migration_status: 'not_needed' });
}

test('each tile of the migration dashboard counts the same accounts that its list shows, the newest account first', async () => {
  await addSome();
  expect(await overview.countGroups(on)).toEqual({ waiting: 2, running: 2, done: 1, failed: 1 });
  expect(await idsOf({ group: 'waiting' })).toEqual(['a_4', 'a-1']);
  expect(await idsOf({ group: 'running' })).toEqual(['A-3', 'a-2']);
  expect(await idsOf({ group: 'done' })).toEqual(['b-5']);
  expect(await idsOf({ group: 'failed' })).toEqual(['b-6']);
  expect(await idsOf({})).toHaveLength(7);
});

test('the search of the migration dashboard finds accounts by the beginning of their ids, is case-sensitive, and takes % and _ literally', async () => {
  await addSome();
  expect(await idsOf({ search: 'a-' })).toEqual(['a-1', 'a-2']);
  expect(await idsOf({ search: 'a_' })).toEqual(['a_4']);
  expect(await idsOf({ search: '%' })).toEqual([]);
  expect(await idsOf({ search: 'b', group: 'failed' })).toEqual(['b-6']);
  expect(await idsOf({ search: String.raw`\\` })).toEqual([]);
});

test('the filter by a migration wave counts and lists only the accounts that are still in the wave', async () => {
  await addSome();
  await run(
    on,
    sql`insert into wave (id, name, at_once, state, person, created_at)
        values (7, 'North', 2, 'running', 'mia@example.com', utc_timestamp(3))`,
  );
  await run(
    on,
    sql`insert into wave_account (wave_id, account_id, taken_at)
        select 7, id, if(external_id = 'b-5', utc_timestamp(3), null) from inbox_account
         where external_id in ('a-1', 'a-2', 'b-5')`,
  );
  expect(await overview.countGroups(on, 7)).toEqual({ waiting: 1, running: 1, done: 0, failed: 0 });
  expect(await idsOf({ wave: 7 })).toEqual(['a-2', 'a-1']);
  expect(await idsOf({ wave: 7, group: 'running' })).toEqual(['a-2']);
  expect(await idsOf({ wave: 8 })).toEqual([]);
});

test('the migration dashboard measures how long today’s migration runs took from the request until they first reached each status', async () => {
  for (const [index, seconds] of [1, 2, 3, 40].entries()) {
    const move = await addMove(here, `w-${index}`);
    const begun = ago(100);
    await addEvents(here, move, [
      { name: 'migrating', at: begun },
      { name: 'channels-only', at: new Date(Date.parse(begun) + seconds * 1000).toISOString() },
      { name: 'failed', at: ago(50) },
      { name: 'channels-only', at: ago(1) },
    ]);
  }
  const yesterday = await addMove(here, 'w-old');
  await addEvents(here, yesterday, [
    { name: 'migrating', at: '2026-01-01T10:00:00.000Z' },
    { name: 'channels-only', at: '2026-01-01T11:00:00.000Z' },
  ]);
  expect(await overview.waitingTimes(on, 'channels-only')).toEqual({
    runs: 4,
    median: 2000,
    p95: 40_000,
  });
  expect(await overview.waitingTimes(on, 'recent-messages-only')).toEqual({
    runs: 0,
    median: null,
    p95: null,
  });
});

test('the migration dashboard counts completed and failed migrations by day', async () => {
  const move = await addMove(here, 'd-1');
  const before = new Date(Date.now() - 86_400_000).toISOString();
  await addEvents(here, move, [
    { name: 'failed', at: '2026-01-01T10:00:00.000Z' },
    { name: 'failed', at: before },
    { name: 'completed', at: before },
    { name: 'completed', at: before },
    { name: 'recent-messages-only', at: before },
  ]);
  expect(await overview.movesByDay(on, 14)).toEqual([
    { day: before.slice(0, 10), done: 2, failed: 1 },
  ]);
});

test('the migration dashboard groups failed accounts and dead letters by cause, with counts and the latest example', async () => {
  for (const id of ['f-1', 'f-2', 'f-3']) {
    await addMove(here, id, {
      migration_status: 'failed',
      error_code: id === 'f-3' ? 'denied' : 'throttled',
      error_message: `It failed for ${id}`,
    });
  }
  expect(await overview.failedByCause(on)).toEqual([
    { cause: 'throttled', accounts: 2, example: 'f-2', reason: 'It failed for f-2' },
    { cause: 'denied', accounts: 1, example: 'f-3', reason: 'It failed for f-3' },
  ]);
  await run(
    on,
    sql`update account_move move join inbox_account account on account.id = move.account_id
           set error_at = if(external_id = 'f-2', '2026-11-25', '2026-11-26')`,
  );
  // The oldest failure comes first, so that an account that fails again does not keep others from
  // being retried.
  expect(await overview.failedOf(on, 'throttled', 10)).toMatchObject([
    { external_id: 'f-2' },
    { external_id: 'f-1' },
  ]);
  await addLetters(here, [
    { subject: 'f-1', cause: 'not-found', reason: 'no file' },
    { subject: 'f-1', cause: 'not-found', reason: 'no file' },
    { subject: 'f-2', cause: 'not-found', reason: 'no file either' },
    { subject: 'f-2', cause: 'invalid', reason: 'no body' },
  ]);
  expect(await overview.lettersByCause(on)).toEqual([
    { cause: 'not-found', records: 3, accounts: 2, example: 'f-2', reason: 'no file either' },
    { cause: 'invalid', records: 1, accounts: 1, example: 'f-2', reason: 'no body' },
  ]);
  expect(await overview.lettersByCause(on, 'f-1')).toEqual([
    { cause: 'not-found', records: 2, accounts: 1, example: 'f-1', reason: 'no file' },
  ]);
});

test('with 100,000 migrations, each page of the list of migrations reads at most 1,000 rows from MySQL, whatever the filter is', async () => {
  await addMany(on);
  const [{ middle } = { middle: 0 }] = await select<{ middle: number }>(
    on,
    sql`select id as middle from inbox_account where external_id = 'many-50000'`,
  );
  const read: [object, number][] = [];
  for (const filter of [
    {},
    { before: middle },
    { group: 'done', before: middle },
    { group: 'failed' },
    { group: 'running' },
    { search: 'many-123' },
    { search: 'many-' },
    { wave: 1 },
    { wave: 1, group: 'failed' },
    { wave: 1, group: 'done', before: middle },
  ] as const) {
    const number = await rowsRead(on, (connection) => idsOf(filter, connection));
    read.push([filter, number]);
  }
  read.push([
    { asks: 'failed by cause' },
    await rowsRead(on, (one) => overview.failedByCause(one)),
  ]);
  expect(read.filter(([, number]) => number > 1000)).toEqual([]);
  const plan = await select<{ Extra: string }>(
    on,
    sql`explain select migration_status as status, part, count(*) as number
                  from account_move group by migration_status, part`,
  );
  expect(plan[0]?.Extra).toContain('Using index');
}, 60_000);
