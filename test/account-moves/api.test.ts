// The API of account migrations: who is admitted, what is refused, and what an app reads.
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { run, select, sql } from '../../src/database/sql.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import {
  callerWith,
  keyCaller,
  messageIn,
  accountOf,
  useAccountApi,
} from '../support/account-callers.ts';
import { forged } from '../support/account-tokens.ts';
import { addMessages, addThreads } from '../support/inbox-rows.ts';
import { openSite, textOf } from '../support/people.ts';

const { world, older, site, app, key, appOf, setMove, jobs } = useAccountApi();

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
  test.each(everyRequest)(
    '%s /api/v1%s needs a token of an app or a key with the scope account-moves',
    async (method, path) => {
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
    },
  );

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
    expect(await jobs()).toEqual([]);
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

  test('the API of accounts is closed without CONVERSATIONS_URL, and to apps without ACCOUNT_TOKENS_*', async () => {
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
  ])('the API of accounts refuses %s with a sentence', async (_what, type, content, status) => {
    const answer = await post(type, content);
    expect([answer.status, answer.headers['content-type']]).toEqual([
      status,
      'application/json; charset=utf-8',
    ]);
    expect(answer.body).toEqual({ error: { status, message: expect.stringMatching(/\w/) } });
    expect(await jobs()).toEqual([]);
  });

  test('the API of accounts refuses a compressed body', async () => {
    const zipped = await post('application/json', '{}').set('Content-Encoding', 'gzip');
    expect(zipped.status).toBe(415);
  });

  test('the API answers other methods with 405 and the ones that work, and OPTIONS with 204', async () => {
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

  test('the API of accounts needs no cookie and no CSRF token, and sets no cookie', async () => {
    const answer = await key
      .post('/migrate', { account_id: 'acme' })
      .set('Sec-Fetch-Site', 'cross-site')
      .set('Origin', 'https://conversations.example.com');
    expect([answer.status, answer.headers['set-cookie']]).toEqual([202, undefined]);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('the API of accounts answers 503 with Retry-After while the database is being updated (J-5)', async () => {
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

  test('the API of accounts answers 426 with a database of another version', async () => {
    await writeVersion(world.staging.documents, { databaseVersion: '0.0.1', isUpdating: false });
    const closed = await openSite(world, 'staging', { LOG_LEVEL: 'error' });
    const caller = callerWith(closed, await older.shopperToken('acme'));
    expect((await caller.get('/accounts')).status).toBe(426);
    expect((await caller.post('/start-migration')).status).toBe(426);
    await closed.close();
  });

  test('the API of accounts answers polls with 503 and Retry-After while MySQL is away', async () => {
    const away = await openSite(world, 'staging', { SQL_DB_HOST: '127.0.0.1', SQL_DB_PORT: '9' });
    const answer = await callerWith(away, await older.shopperToken('acme')).get('/check-migration');
    expect([answer.status, Number(answer.headers['retry-after']) > 0]).toEqual([503, true]);
    await away.close();
  });

  test('the API of accounts reads while the version of the database is unknown, and starts nothing', async () => {
    await world.staging.documents.collection('metadata').deleteMany({});
    const unknown = await openSite(world, 'staging', { LOG_LEVEL: 'error' });
    const caller = callerWith(unknown, await older.shopperToken('acme'));
    expect((await caller.get('/accounts')).status).toBe(200);
    const start = await caller.post('/start-migration', {});
    expect([start.status, Number(start.headers['retry-after'])]).toEqual([503, 10]);
    expect(await jobs()).toEqual([]);
    await unknown.close();
  });

  test('apps poll and start while Redis is away: the job waits in MySQL', async () => {
    const without = await openSite(world, 'staging', { LOG_LEVEL: 'error' });
    without.redis.destroy();
    const caller = callerWith(without, await older.shopperToken('acme'));
    expect((await caller.get('/accounts')).status).toBe(200);
    expect((await caller.post('/start-migration')).status).toBe(202);
    expect((await caller.get('/check-migration')).status).toBe(200);
    expect(await jobs()).toHaveLength(1);
    expect((await callerWith(without, 'x.y.z').get('/accounts')).status).toBe(503);
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

  test('the API sends an attachment as a file to save, whatever its name and type are', async () => {
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
