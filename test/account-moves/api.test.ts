// The API of account migrations: who is admitted, what each request answers in each state, and what an app reads.
import { beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { run, select, sql, statements, type Statement } from '../../src/database/sql.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { forged } from '../support/account-tokens.ts';
import {
  callerWith,
  keyCaller,
  type AccountObject,
  type ApiCaller,
} from '../support/account-callers.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { addMessages, addThreads } from '../support/inbox-rows.ts';
import { openSite, textOf, useSite } from '../support/people.ts';

const { world, older } = useMovingWorld();
const site = useSite(world, 'staging');
const appOf = async (account: string) => callerWith(site, await older.shopperToken(account));

let app: ApiCaller;
let key: ApiCaller;
beforeEach(async () => {
  older.accounts.clear();
  await older.add({ id: 'acme', messages: 12 });
  app = await appOf('acme');
  key = await keyCaller(site);
});

const accountOf = (answer: { body: unknown }) => answer.body as AccountObject;
const messageIn = (answer: { body: unknown }) =>
  (answer.body as { error: { message: string } }).error.message;

/** Brings the move of an account into a state, as if it had run. */
async function setMove(account: string, fields: Record<string, string | number | null>) {
  await key.get(`/accounts?account_id=${account}`).expect(200);
  for (const [column, value] of Object.entries(fields)) {
    await world.staging.sql.query(
      `update account_move move join inbox_account account on account.id = move.account_id
          set move.\`${column}\` = ? where account.external_id = ?`,
      [value, account],
    );
  }
}

const jobsOf = () =>
  select<{ kind: string }>(world.staging.sql, sql`select kind from job where kind like 'move-%'`);

const everyRequest = [
  ['get', '/accounts'],
  ['post', '/accounts'],
  ['post', '/accounts/acme'],
  ['post', '/start-migration'],
  ['post', '/migrate'],
  ['get', '/check-migration'],
  ['get', '/accounts/acme/channels'],
  ['get', '/accounts/acme/threads'],
  ['get', '/accounts/acme/threads/t-1/messages'],
  [
    'get',
    `/accounts/acme/messages/${encodeURIComponent('2026-11-20T10:11:12.123Z#1')}/attachments/a`,
  ],
] as const;

describe('who is admitted', () => {
  test.each(everyRequest)('%s %s needs a token or a key with the scope', async (method, path) => {
    const ask = (bearer: string | null) => {
      const one = request(site.app)[method](`/api/v1${path}`);
      return bearer === null ? one : one.set('Authorization', bearer);
    };
    const none = await ask(null);
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    for (const wrong of ['Bearer ow_wrong', 'Bearer x.y.z', 'Basic YTpi', 'Bearer a b']) {
      const answer = await ask(wrong);
      expect([wrong, answer.status]).toEqual([wrong, 401]);
    }
    const claims = { iss: older.url, aud: 'oneway', exp: 4_000_000_000, account_id: 'acme' };
    const unsigned = await ask(`Bearer ${forged({ alg: 'none' }, claims)}`);
    expect([unsigned.status, unsigned.headers['www-authenticate']]).toEqual([
      401,
      'Bearer error="invalid_token"',
    ]);
    const without = await keyCaller(site, ['*', 'task']);
    const refused = await (method === 'get' ? without.get(path) : without.post(path, {}));
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="account-moves"',
    ]);
    expect(refused.headers['cache-control']).toBe('no-store');
    expect(refused.headers['set-cookie']).toBeUndefined();
  });

  test('a key for account migrations reads no metadata, and a token of an app reads none either', async () => {
    expect((await key.get('/task')).status).toBe(403);
    expect((await app.get('/task')).status).toBe(401);
  });

  test('an app reaches its own account only: any other is 404, whether it exists or not', async () => {
    await older.add({ id: 'other' });
    await key.get('/accounts?account_id=other').expect(200);
    for (const id of ['other', 'Acme', 'nobody', 'acme%00', '%2e%2e', 'acme%20']) {
      const own = [`/accounts/${id}/channels`, `/accounts/${id}/threads`];
      const asked = id.includes('%') ? own : [...own, `/accounts?account_id=${id}`];
      for (const path of asked) expect([path, (await app.get(path)).status]).toEqual([path, 404]);
    }
    expect((await app.get('/check-migration?account_id=other')).status).toBe(404);
    expect((await app.post('/start-migration', { account_id: 'other' })).status).toBe(404);
    expect(accountOf(await app.get('/accounts?account_id=acme')).id).toBe('acme');
    const real = await app.get('/accounts/other/channels');
    const invented = await app.get('/accounts/others/channels');
    expect(messageIn(real).replace('other', 'others')).toBe(messageIn(invented));
    expect(await jobsOf()).toEqual([]);
  });

  test('an app may neither drive another’s requests nor migrate again with force (S4-52)', async () => {
    expect((await app.post('/start-migration', { force: true })).status).toBe(403);
    expect((await app.post('/accounts', { account_id: 'acme' })).status).toBe(403);
    expect((await app.post('/accounts/acme', { migration_status: 'completed' })).status).toBe(403);
    expect((await app.post('/migrate', { account_id: 'acme', force: true })).status).toBe(403);
    expect((await app.post('/start-migration', { force: false })).status).toBe(202);
  });

  test('100 forged tokens from one address are answered with 429, and valid ones still work', async () => {
    const expired = callerWith(
      site,
      await older.shopperToken('acme', { exp: Math.floor(Date.now() / 1000) - 60 }),
    );
    const statuses = new Set<number>();
    for (let n = 0; n < 101; n += 1) {
      statuses.add((await callerWith(site, `x.${n}.z`).get('/accounts')).status);
    }
    expect([...statuses]).toEqual([401, 429]);
    expect((await app.get('/accounts')).status).toBe(200);
    // Its app must learn that it needs a new token.
    expect((await expired.get('/accounts')).status).toBe(401);
  });

  test('a token is not called wrong while its issuer is away: 503 with Retry-After', async () => {
    const away = await openSite(world, 'staging', {
      ACCOUNT_TOKENS_JWKS: 'http://127.0.0.1:9/jwks.json',
    });
    const answer = await callerWith(away, await older.shopperToken('acme')).get('/accounts');
    expect([answer.status, Number(answer.headers['retry-after'])]).toEqual([503, 10]);
    await away.close();
  });

  test('without the settings there are no accounts, and without those of tokens only keys are admitted', async () => {
    const without = await openSite(world, 'staging', {
      CONVERSATIONS_URL: '',
      CONVERSATIONS_KEY_FILE: '',
      CONVERSATIONS_CERTIFICATE_FILE: '',
      STORE_ENDPOINT: '',
      STORE_ACCESS_KEY_ID: '',
      STORE_SECRET_ACCESS_KEY: '',
      MEDIA_HOSTS: '',
      ACCOUNT_TOKENS_ISSUER: '',
      ACCOUNT_TOKENS_AUDIENCE: '',
      ACCOUNT_TOKENS_JWKS: '',
    });
    const token = await older.shopperToken('acme');
    const none = await callerWith(without, token).get('/accounts');
    expect([none.status, messageIn(none)]).toEqual([
      404,
      expect.stringContaining('CONVERSATIONS_URL'),
    ]);
    const keysOnly = await openSite(world, 'staging', {
      ACCOUNT_TOKENS_ISSUER: '',
      ACCOUNT_TOKENS_AUDIENCE: '',
      ACCOUNT_TOKENS_JWKS: '',
    });
    expect((await callerWith(keysOnly, token).get('/accounts')).status).toBe(401);
    expect((await (await keyCaller(keysOnly)).get('/accounts')).status).toBe(200);
    await without.close();
    await keysOnly.close();
  });

  test('the page of API keys offers the scope for account migrations, apart from everything', async () => {
    const ops = await site.as('ops');
    await ops.post('/api-keys', { name: 'Conversations', scopes: ['account-moves'] });
    const shown = await ops.get('/api-keys');
    const [made = ''] = /ow_[\w-]{20,}/.exec(shown.text) ?? [];
    expect(shown.text).toContain('value="account-moves"');
    expect(textOf(shown.text)).toContain('Account migrations');
    expect((await callerWith(site, made).get('/accounts')).status).toBe(200);
  });
});

describe('requests', () => {
  const post = (type: string, content: string | Buffer) => {
    const one = key.post('/migrate');
    const asItIs = one.serialize((given) => given as string);
    return asItIs.set('Content-Type', type).send(content);
  };

  test.each([
    ['broken JSON', 'application/json', '{"account_id": ', 400],
    ['no JSON', 'application/json', 'account_id=acme', 400],
    ['bytes that are no UTF-8', 'application/json', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400],
    ['a form', 'application/x-www-form-urlencoded', 'account_id=acme', 415],
    ['a text', 'text/plain', '{"account_id": "acme"}', 415],
    ['too much', 'application/json', `{"account_id": "${'x'.repeat(70_000)}"}`, 413],
    ['a list', 'application/json', '[]', 422],
    ['a number', 'application/json', '1', 422],
    ['null', 'application/json', 'null', 422],
    ['a deep list', 'application/json', '['.repeat(30_000) + ']'.repeat(30_000), 422],
    ['nothing', 'application/json', '', 422],
    ['an account that is a number', 'application/json', '{"account_id": 1}', 422],
    ['an empty account', 'application/json', '{"account_id": ""}', 422],
    ['an account with a slash', 'application/json', '{"account_id": "a/b"}', 422],
    ['an account with a line break', 'application/json', '{"account_id": "acme\\n"}', 422],
    ['an account that is an object', 'application/json', '{"account_id": {"$gt": ""}}', 422],
    ['an unknown field', 'application/json', '{"account_id": "acme", "x": 1}', 422],
    [
      'a prototype',
      'application/json',
      '{"account_id": "acme", "__proto__": {"force": true}}',
      422,
    ],
    ['an unknown part', 'application/json', '{"account_id": "acme", "part": "all"}', 422],
    ['force as a text', 'application/json', '{"account_id": "acme", "force": "yes"}', 422],
    ['a location outside', 'application/json', '{"account_id": "acme", "location": "../x"}', 422],
    ['a location at the root', 'application/json', '{"account_id": "acme", "location": "/x"}', 422],
    ['an address', 'application/json', '{"account_id": "acme", "location": "s3://b/x"}', 422],
    ['a hidden location', 'application/json', '{"account_id": "acme", "location": "a/.b"}', 422],
  ])('%s is refused with a sentence', async (_what, type, content, status) => {
    const answer = await post(type, content);
    expect([answer.status, answer.headers['content-type']]).toEqual([
      status,
      'application/json; charset=utf-8',
    ]);
    expect(answer.body).toEqual({ error: { status, message: expect.stringMatching(/\w/) } });
    expect(await jobsOf()).toEqual([]);
  });

  test('a compressed body is refused, and one that is announced as larger is not read', async () => {
    const zipped = await post('application/json', '{}').set('Content-Encoding', 'gzip');
    expect(zipped.status).toBe(415);
  });

  test('other methods are answered with 405 and the ones that work, OPTIONS with them', async () => {
    const allowed = async (
      method: 'get' | 'put' | 'delete' | 'patch' | 'options',
      path: string,
    ) => {
      const { status, headers } = await request(site.app)[method](`/api/v1${path}`);
      return [status, headers['allow']];
    };
    expect(await allowed('get', '/start-migration')).toEqual([405, 'POST']);
    expect(await allowed('get', '/migrate')).toEqual([405, 'POST']);
    expect(await allowed('get', '/accounts/acme')).toEqual([405, 'POST']);
    expect(await allowed('delete', '/accounts')).toEqual([405, 'GET, HEAD, POST']);
    expect(await allowed('patch', '/check-migration')).toEqual([405, 'GET, HEAD']);
    expect(await allowed('put', '/accounts/acme/threads')).toEqual([405, 'GET, HEAD']);
    expect(await allowed('options', '/accounts')).toEqual([204, 'GET, HEAD, POST']);
    expect(await allowed('options', '/task')).toEqual([204, 'GET, HEAD']);
    expect((await request(site.app).post('/api/v1/task')).status).toBe(405);
    const { status, text } = await request(site.app)
      .head('/api/v1/accounts')
      .set('Authorization', `Bearer ${await older.shopperToken('acme')}`);
    expect([status, text]).toEqual([200, undefined]);
  });

  test('no cookie, CSRF token or page of this server is needed, also from another site', async () => {
    const answer = await key
      .post('/migrate', { account_id: 'acme' })
      .set('Sec-Fetch-Site', 'cross-site')
      .set('Origin', 'https://conversations.example.com');
    expect([answer.status, answer.headers['set-cookie']]).toEqual([202, undefined]);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('while the database is updated, everything is answered with 503 and Retry-After (J-5)', async () => {
    const { documents } = world.staging;
    await writeVersion(documents, { databaseVersion: currentVersion(), isUpdating: true });
    const closed = await openSite(world, 'staging', { LOG_LEVEL: 'error' });
    for (const [method, path] of everyRequest) {
      const caller = callerWith(closed, await older.shopperToken('acme'));
      const answer = await (method === 'get' ? caller.get(path) : caller.post(path, {}));
      expect([path, answer.status, answer.headers['retry-after']]).toEqual([path, 503, '10']);
    }
    await closed.close();
  });

  test('with a database of another version everything is answered with 426', async () => {
    await writeVersion(world.staging.documents, { databaseVersion: '0.0.1', isUpdating: false });
    const closed = await openSite(world, 'staging', { LOG_LEVEL: 'error' });
    const caller = callerWith(closed, await older.shopperToken('acme'));
    expect((await caller.get('/accounts')).status).toBe(426);
    expect((await caller.post('/start-migration')).status).toBe(426);
    await closed.close();
  });

  test('while MySQL is away, polls are answered with 503 and Retry-After', async () => {
    const away = await openSite(world, 'staging', { SQL_DB_HOST: '127.0.0.1', SQL_DB_PORT: '9' });
    const answer = await callerWith(away, await older.shopperToken('acme')).get('/check-migration');
    expect([answer.status, Number(answer.headers['retry-after']) > 0]).toEqual([503, true]);
    await away.close();
  });
});

describe('accounts', () => {
  const asked = () => older.requests.filter(({ path }) => path === '/accounts/acme');

  test('S4-10 S4-11 S4-12 an app asks for its account first, and Conversations is asked whether it knows it', async () => {
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

  test('S4-04 S4-12 an account that Conversations does not know needs no migration', async () => {
    const stranger = await appOf('stranger');
    expect(accountOf(await stranger.get('/accounts'))).toMatchObject({
      migration_status: 'not_needed',
      legacy_status: 'active',
      poll_after_ms: null,
    });
    // Starting asks again: it may be known there by now.
    expect((await stranger.post('/start-migration')).status).toBe(200);
    await older.add({ id: 'stranger' });
    const started = await stranger.post('/start-migration');
    expect([started.status, accountOf(started).migration_status]).toEqual([202, 'migrating']);
  });

  test('an account that was never asked about is 503 with Retry-After 5 while Conversations is down; a known one is shown', async () => {
    await older.add({ id: 'known' });
    const known = await appOf('known');
    await known.get('/accounts').expect(200);
    older.fail({ match: /./, name: '500' });
    const answer = await app.get('/accounts');
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
    expect((await app.post('/start-migration')).headers['retry-after']).toBe('5');
    expect((await known.get('/accounts')).status).toBe(200);
  });

  test('S4-03 Conversations adds an account with its WebChat channel, once for two requests at the same time', async () => {
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

  test('a key lists all accounts, 50 a page', async () => {
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

  test('S4-14 a poll is one SELECT', async () => {
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

  test('S4-83 a poll shows counts, progress and the last error', async () => {
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

describe('starting', () => {
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
    'S4-50 S4-51 S4-53 S4-82 S4-86 a move that is %s is started by an app or a key',
    async (_state, fields, start, number) => {
      for (const ask of [
        () => app.post('/start-migration'),
        () => key.post('/start-migration', { account_id: 'acme' }),
        () => key.post('/migrate', { account_id: 'acme' }),
      ]) {
        await world.clear();
        key = await keyCaller(site);
        await setMove('acme', fields);
        const answer = await ask();
        expect([answer.status, accountOf(answer).run]).toEqual([start, number]);
        expect(await jobsOf()).toHaveLength(start === 202 ? 1 : 0);
      }
    },
  );

  test.each([...states, ['stopped after recent', stopped, 200, 1] as (typeof states)[number]])(
    'S4-42 S4-52 force begins the next run of a move that is %s',
    async (_state, fields, _start, number) => {
      await setMove('acme', fields);
      const answer = await key.post('/migrate', { account_id: 'acme', force: true });
      const next = fields['run'] === undefined ? 1 : number + 1;
      expect([answer.status, accountOf(answer).run]).toEqual([202, next]);
      expect(accountOf(answer).migration_status).toBe('migrating');
      expect(await jobsOf()).toHaveLength(1);
    },
  );

  test('a move that stopped after its recent part goes on with the remaining part, and not with recent again', async () => {
    await setMove('acme', stopped);
    const again = await key.post('/migrate', { account_id: 'acme', part: 'recent' });
    expect([again.status, await jobsOf()]).toEqual([200, []]);
    const on = await key.post('/migrate', { account_id: 'acme', part: 'remaining' });
    expect([on.status, accountOf(on).run, accountOf(on).migration_status]).toEqual([
      202,
      1,
      'recent-messages-only',
    ]);
    expect(await jobsOf()).toHaveLength(1);
  });

  test('an account that is not needed stays so, with force, too', async () => {
    const answer = await key.post('/migrate', { account_id: 'nobody', force: true });
    expect([answer.status, accountOf(answer).migration_status]).toEqual([200, 'not_needed']);
    expect(await jobsOf()).toEqual([]);
  });

  test('S4-15 S4-81 two requests at once are one job, which is recorded before the answer', async () => {
    const answers = await Promise.all(
      [1, 2, 3].flatMap(() => [
        app.post('/start-migration'),
        key.post('/migrate', { account_id: 'acme' }),
      ]),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 200, 200, 200, 200, 202]);
    expect(new Set(answers.map((one) => accountOf(one).run))).toEqual(new Set([1]));
    expect(await jobsOf()).toEqual([{ kind: 'move-opening' }]);
  });

  test('S4-34 a dump is named by its prefix in the object storage', async () => {
    await key.post('/migrate', { account_id: 'acme', location: 'dumps/acme/' }).expect(202);
    expect(await select(world.staging.sql, sql`select reader, location from account_move`)).toEqual(
      [{ reader: 'dump', location: 'dumps/acme' }],
    );
  });
});

describe('confirming', () => {
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
    'S4-30 S4-31 S4-80 a move that reached %s answers %j with %i',
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

  test('an unknown status and an unknown account are refused', async () => {
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

describe('reading an inbox', () => {
  async function fill() {
    await setMove('acme', { migration_status: 'channels-only', reached: 'channels-only', run: 1 });
    const on = world.staging.sql;
    const [account] = await select<{ id: number }>(on, sql`select id from inbox_account`);
    const id = account?.id ?? 0;
    await addThreads(on, id, [{ id: 't:1', title: '<b>Hello</b>' }]);
    const positions = await addMessages(
      on,
      id,
      't:1',
      Array.from({ length: 51 }, (_, n) => ({ body: `Message ${n} 😀` })),
    );
    return { on, id, newest: positions.at(-1) ?? '' };
  }
  type Page = { items: Record<string, unknown>[]; next: string | null };
  const pageAt = async (path: string) =>
    (await app.get(path.replace('/api/v1', '')).expect(200)).body as Page;

  test('an app reads threads and messages, follows next to the end, and sees what is gone', async () => {
    const { on, newest } = await fill();
    await run(
      on,
      sql`update inbox_message set gone_at = '2026-11-25 10:00:00' where position = ${newest}`,
    );
    const threads = await pageAt('/accounts/acme/threads');
    expect(threads).toEqual({
      items: [
        {
          id: 't:1',
          channel_id: 'email',
          title: '<b>Hello</b>',
          customer: '',
          last_at: '2026-11-20T10:00:00.000Z',
          gone_at: null,
          messages: '/api/v1/accounts/acme/threads/t%3A1/messages',
        },
      ],
      next: null,
    });
    const first = await pageAt(String(threads.items[0]?.['messages']));
    expect(first.items).toHaveLength(50);
    expect(first.items[0]).toMatchObject({
      body: 'Message 50 😀',
      gone_at: '2026-11-25T10:00:00.000Z',
      attachments: [],
      direction: 'in',
    });
    const second = await pageAt(first.next ?? '');
    expect(second).toMatchObject({ items: [{ body: 'Message 0 😀' }], next: null });
    for (const wrong of ['?before=x', '?before=1&before=2', '?page=2']) {
      expect((await app.get(`/accounts/acme/threads${wrong}`)).status).toBe(422);
    }
    expect((await app.get('/accounts/acme/threads/t-2/messages')).status).toBe(404);
  });

  test('an attachment is sent as a file to save, whatever its name and type are', async () => {
    const { on, id, newest } = await fill();
    const { storage } = world.staging;
    const content = Buffer.from('<script>alert(1)</script>');
    const { size, checksum } = await storage.put('inbox/test', content);
    const name = 'a"b\r\nSet-Cookie: x=1;é.html';
    await run(
      on,
      sql`insert into inbox_attachment (account_id, position, id, name, type, url, state, object, size, sha256)
          values (${id}, ${newest}, 'f-1', ${name}, 'text/html', '', 'stored', 'inbox/test', ${size}, ${checksum}),
                 (${id}, ${newest}, 'f-2', 'b', '', '', 'waiting', null, null, null)`,
    );
    const { items } = await pageAt('/accounts/acme/threads/t:1/messages');
    const [stored, waiting] = (items[0]?.['attachments'] ?? []) as {
      href: string | null;
      state: string;
    }[];
    expect([stored?.state, waiting?.state, waiting?.href]).toEqual(['stored', 'waiting', null]);
    const path = String(stored?.href).replace('/api/v1', '');
    const answer = await app
      .get(path)
      .buffer()
      .parse((res, done) => {
        const parts: Buffer[] = [];
        res.on('data', (part: Buffer) => parts.push(part));
        res.on('end', () => done(null, Buffer.concat(parts)));
      });
    expect([answer.status, answer.body]).toEqual([200, content]);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'content-length': String(content.length),
      'cache-control': 'no-store',
    });
    expect(answer.headers['content-disposition']).toMatch(/^attachment; filename=/);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect((await app.get(path.replace('f-1', 'f-2'))).status).toBe(404);
    expect((await app.get(path.replace('f-1', 'f-3'))).status).toBe(404);
    const { headers } = await request(site.app)
      .head(`/api/v1${path}`)
      .set('Authorization', `Bearer ${await older.shopperToken('acme')}`);
    expect(headers['content-length']).toBe(String(content.length));
    expect((await (await appOf('other')).get(path)).status).toBe(404);
    await storage.delete('inbox/test');
    expect((await app.get(path)).status).toBe(404);
  });
});
