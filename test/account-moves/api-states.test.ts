// The answers of the account migration API to each request, for each status of an account.
import { describe, expect, test } from 'vitest';
import { run, select, sql, statements, type Statement } from '../../src/database/sql.ts';
import {
  accountOf,
  messageIn,
  useAccountApi,
  type AccountObject,
} from '../support/account-callers.ts';

const { world, older, app, key, appOf, setMove, jobs, clear } = useAccountApi();

describe('reading and adding accounts through the account migration API', () => {
  const asked = () => older.requests.filter(({ path }) => path === '/accounts/acme');

  test('S4-10 S4-11 S4-12 when an app first reads its account, Oneway asks the older system Conversations once whether it knows the account', async () => {
    const before = asked().length;
    const { status, headers, body } = await app.get('/accounts');
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      id: 'acme',
      status: 'active',
      migration_status: 'not_started',
      legacy_status: 'not_started',
      reached: null,
      run: 0,
      counts: { channels: 0, threads: 0, messages: 0, attachments: 0, skipped: 0, failed: 0 },
      expected_messages: 12,
      percent: 0,
      seconds_left: null,
      last_error: null,
      poll_after_ms: 1000,
    });
    await app.get('/accounts');
    expect(asked()).toHaveLength(before + 1);
  });

  test('S4-04 S4-12 the status of an account that the older system Conversations does not know is “not needed”', async () => {
    const stranger = await appOf('stranger');
    expect(accountOf(await stranger.get('/accounts'))).toMatchObject({
      migration_status: 'not_needed',
      legacy_status: 'active',
      poll_after_ms: null,
    });
    // A start request asks the older system again, which may know the account by now.
    expect((await stranger.post('/start-migration')).status).toBe(200);
    await older.add({ id: 'stranger' });
    const started = await stranger.post('/start-migration');
    expect([started.status, accountOf(started).migration_status]).toEqual([202, 'migrating']);
  });

  test('while the older system Conversations is down, the API answers 503 with Retry-After 5 for a new account, and still shows a known account', async () => {
    await older.add({ id: 'known' });
    const known = await appOf('known');
    await known.get('/accounts').expect(200);
    older.fail({ match: /./, name: '500' });
    const answer = await app.get('/accounts');
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
    expect((await app.post('/start-migration')).headers['retry-after']).toBe('5');
    expect((await known.get('/accounts')).status).toBe(200);
  });

  test('S4-03 two simultaneous requests of the older system Conversations add an account and its WebChat channel only once', async () => {
    const both = await Promise.all([1, 2].map(() => key.post('/accounts', { account_id: 'acme' })));
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 201]);
    for (const answer of both) {
      expect(accountOf(answer)).toMatchObject({
        status: 'active',
        migration_status: 'not_started',
      });
    }
    const again = await key.post('/accounts', {
      account_id: 'acme',
      name: 'Acme Ltd',
      status: 'active',
      migration_status: 'not_started',
    });
    expect(again.status).toBe(200);
    expect((await app.get('/accounts/acme/channels')).body).toEqual({
      items: [{ id: 'here:webchat', kind: 'webchat', name: 'WebChat', address: '', brand: null }],
    });
    const unknown = await key.post('/accounts', { account_id: 'nobody' });
    expect([unknown.status, accountOf(unknown).migration_status]).toEqual([201, 'not_needed']);
  });

  test('a caller with an API key lists all accounts, 50 in each answer', async () => {
    const on = world.staging.sql;
    for (let n = 1; n <= 51; n += 1) {
      await run(
        on,
        sql`insert into inbox_account (id, external_id, created_at) values (${n}, ${`a-${n}`}, utc_timestamp(3))`,
      );
      await run(
        on,
        sql`insert into account_move (account_id, migration_status, asked_at) values (${n}, 'completed', utc_timestamp(3))`,
      );
    }
    const first = await key.get('/accounts');
    const { items, next } = first.body as { items: AccountObject[]; next: string };
    expect([items.length, first.headers['link']]).toEqual([50, `<${next}>; rel="next"`]);
    const second = await key.get(next.replace('/api/v1', ''));
    expect(second.body).toMatchObject({ items: [{ id: 'a-51' }], next: null });
    expect((await key.get('/accounts?after=x')).status).toBe(422);
    expect((await key.get('/accounts?limit=1')).status).toBe(422);
    expect((await key.get('/check-migration')).status).toBe(422);
    expect((await key.get('/check-migration?account_id=a&account_id=b')).status).toBe(422);
  });

  test('S4-14 a poll of an account’s migration runs only one SELECT', async () => {
    await app.post('/start-migration').expect(202);
    const asked: string[] = [];
    const record = (one: unknown) => void asked.push((one as Statement).text.trim());
    statements.subscribe(record);
    await app.get('/check-migration').expect(200);
    await app.get('/accounts').expect(200);
    statements.unsubscribe(record);
    expect(asked).toHaveLength(2);
    for (const text of asked) expect(text).toMatch(/^select /);
  });

  test('S4-83 a poll of an account’s migration shows counts, progress and the last error', async () => {
    await setMove('acme', {
      migration_status: 'failed',
      reached: 'channels-only',
      run: 2,
      messages: 3,
      failed: 1,
      error_code: 'throttled',
      error_message: 'The store is throttled.',
      error_at: '2026-11-26 10:00:00.000',
    });
    expect(accountOf(await app.get('/accounts'))).toMatchObject({
      migration_status: 'failed',
      legacy_status: 'migrating',
      reached: 'channels-only',
      run: 2,
      counts: { messages: 3, failed: 1 },
      percent: 25,
      seconds_left: null,
      last_error: {
        code: 'throttled',
        message: 'The store is throttled.',
        at: '2026-11-26T10:00:00.000Z',
      },
      poll_after_ms: null,
    });
  });
});

describe('starting the migration of an account through the API', () => {
  const stopped = {
    migration_status: 'recent-messages-only',
    reached: 'recent-messages-only',
    part: 'recent',
    run: 1,
  };
  const running = {
    migration_status: 'channels-only',
    reached: 'channels-only',
    run: 1,
    stage: 'recent',
  };
  const states: [
    state: string,
    fields: Record<string, string | number>,
    start: number,
    run: number,
  ][] = [
    ['not_started', {}, 202, 1],
    [
      'failed',
      { migration_status: 'failed', reached: 'channels-only', run: 1, stage: 'recent' },
      202,
      1,
    ],
    ['migrating', { migration_status: 'migrating', run: 1, stage: 'channels' }, 200, 1],
    ['channels-only', running, 200, 1],
    ['recent-messages-only', { ...stopped, part: 'whole', stage: 'rest' }, 200, 1],
    ['completed', { migration_status: 'completed', reached: 'completed', run: 1 }, 200, 1],
  ];

  test.each(states)(
    'S4-50 S4-51 S4-53 S4-82 S4-86 a start request of an app or an API key begins, continues or ignores a migration that is %s',
    async (_state, fields, start, number) => {
      for (const ask of [
        () => app.post('/start-migration'),
        () => key.post('/start-migration', { account_id: 'acme' }),
        () => key.post('/migrate', { account_id: 'acme' }),
      ]) {
        await clear();
        await setMove('acme', fields);
        const answer = await ask();
        expect([answer.status, accountOf(answer).run]).toEqual([start, number]);
        expect(await jobs()).toHaveLength(start === 202 ? 1 : 0);
      }
    },
  );

  test.each([...states, ['stopped after recent', stopped, 200, 1] as (typeof states)[number]])(
    'S4-42 S4-52 a request with force begins the next run of a migration that is %s',
    async (_state, fields, _start, number) => {
      await setMove('acme', fields);
      const answer = await key.post('/migrate', { account_id: 'acme', force: true });
      const next = fields['run'] === undefined ? 1 : number + 1;
      expect([answer.status, accountOf(answer).run]).toEqual([202, next]);
      expect(accountOf(answer).migration_status).toBe('migrating');
      expect(await jobs()).toHaveLength(1);
    },
  );

  test('a migration that stopped after the recent messages is continued by a request for the remaining ones, not for the recent ones', async () => {
    await setMove('acme', stopped);
    const again = await key.post('/migrate', { account_id: 'acme', part: 'recent' });
    expect([again.status, await jobs()]).toEqual([200, []]);
    const on = await key.post('/migrate', { account_id: 'acme', part: 'remaining' });
    expect([on.status, accountOf(on).run, accountOf(on).migration_status]).toEqual([
      202,
      1,
      'recent-messages-only',
    ]);
    expect(await jobs()).toHaveLength(1);
  });

  test('a migration request for an account that needs no migration starts nothing, even with the parameter force', async () => {
    const answer = await key.post('/migrate', { account_id: 'nobody', force: true });
    expect([answer.status, accountOf(answer).migration_status]).toEqual([200, 'not_needed']);
    expect(await jobs()).toEqual([]);
  });

  test('S4-15 S4-81 simultaneous start requests create one job, which is recorded before they are answered', async () => {
    const answers = await Promise.all(
      [1, 2, 3].flatMap(() => [
        app.post('/start-migration'),
        key.post('/migrate', { account_id: 'acme' }),
      ]),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 200, 200, 200, 200, 202]);
    expect(new Set(answers.map((one) => accountOf(one).run))).toEqual(new Set([1]));
    expect(await jobs()).toEqual([{ kind: 'move-opening' }]);
  });

  test('S4-34 a migration request names a dump (an export of the account) by its prefix in the object storage', async () => {
    await key.post('/migrate', { account_id: 'acme', location: 'dumps/acme/' }).expect(202);
    expect(await select(world.staging.sql, sql`select reader, location from account_move`)).toEqual(
      [{ reader: 'dump', location: 'dumps/acme' }],
    );
  });
});

describe('confirming the status of a migration through the API', () => {
  test.each([
    ['recent-messages-only', { migration_status: 'recent-messages-only' }, 200],
    ['recent-messages-only', { migration_status: 'recent-only' }, 200],
    ['recent-messages-only', { migration_status: 'active-recent-only' }, 200],
    ['recent-messages-only', { status: 'active-recent-only' }, 200],
    ['recent-messages-only', { status: 'active', migration_status: 'recent-only' }, 200],
    ['recent-messages-only', { migration_status: 'completed' }, 409],
    ['recent-messages-only', { status: 'active' }, 409],
    ['channels-only', { migration_status: 'recent-only' }, 409],
    ['channels-only', { migration_status: 'migrating' }, 200],
    ['completed', { migration_status: 'completed' }, 200],
    ['completed', { status: 'active' }, 200],
    ['completed', { migration_status: 'failed' }, 409],
  ])(
    'S4-30 S4-31 S4-80 the API answers a request to confirm the status of a migration that reached %s, with the body %j, with %i',
    async (reached, body, status) => {
      await setMove('acme', { migration_status: reached, reached, run: 1 });
      const before = await select(world.staging.sql, sql`select * from account_move`);
      const answer = await key.post('/accounts/acme', body);
      expect(answer.status).toBe(status);
      if (status === 200) expect(accountOf(answer).migration_status).toBe(reached);
      else expect(messageIn(answer)).toContain(reached);
      expect(await select(world.staging.sql, sql`select * from account_move`)).toEqual(before);
    },
  );

  test('the API refuses to confirm an unknown status or the status of an unknown account', async () => {
    await setMove('acme', {});
    for (const body of [
      {},
      { migration_status: 'done' },
      { status: 'gone' },
      { migration_status: 1 },
    ]) {
      expect((await key.post('/accounts/acme', body)).status).toBe(422);
    }
    const wanted = { migration_status: 'completed' };
    expect((await key.post('/accounts/nobody', wanted)).status).toBe(404);
  });
});
