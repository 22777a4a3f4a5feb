// The account migration API: which callers are admitted, what is refused, and what an app can read.
import { describe, expect, test } from 'vitest';
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

describe('which callers the account migration API admits', () => {
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

  test('an API key for account migrations and an app’s token cannot read the catalogue, such as tasks', async () => {
    expect((await key.get('/task')).status).toBe(403);
    expect((await app.get('/task')).status).toBe(401);
  });

  test('an app can access only its own account: any other account answers 404, whether it exists or not', async () => {
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

  test('an app gets 403 if it sends the parameter force, or a request that only callers with an API key may send (S4-52)', async () => {
    expect((await app.post('/start-migration', { force: true })).status).toBe(403);
    expect((await app.post('/accounts', { account_id: 'acme' })).status).toBe(403);
    expect((await app.post('/accounts/acme', { migration_status: 'completed' })).status).toBe(403);
    expect((await app.post('/migrate', { account_id: 'acme', force: true })).status).toBe(403);
    expect((await app.post('/start-migration', { force: false })).status).toBe(202);
  });

  test('after 100 requests with forged tokens from one address, the next one gets 429, while a valid token still works', async () => {
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
    // An app whose token has expired must still see 401, so that it requests a new token.
    expect((await expired.get('/accounts')).status).toBe(401);
  });

  test('a request with an app’s token gets 503 with Retry-After, instead of 401, while the keys of the token’s issuer cannot be read', async () => {
    const away = await openSite(world, 'staging', {
      ACCOUNT_TOKENS_JWKS: 'http://127.0.0.1:9/jwks.json',
    });
    const answer = await callerWith(away, await older.shopperToken('acme')).get('/accounts');
    expect([answer.status, Number(answer.headers['retry-after'])]).toEqual([503, 10]);
    await away.close();
  });

  test('the account API answers 404 if CONVERSATIONS_URL is not set, and refuses the tokens of apps if ACCOUNT_TOKENS_* is not set', async () => {
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

  test('the page of API keys creates a key with the scope account-moves, which the account API accepts', async () => {
    const ops = await site.as('ops');
    await ops.post('/api-keys', { name: 'Conversations', scopes: ['account-moves'] });
    const shown = await ops.get('/api-keys');
    const [made = ''] = /(?<=>)ow_[\w-]{20,}/.exec(shown.text) ?? [];
    expect(shown.text).toContain('value="account-moves"');
    expect(textOf(shown.text)).toContain('Account migrations');
    expect((await callerWith(site, made).get('/accounts')).status).toBe(200);
  });
});

describe('invalid requests to the account migration API, and requests while a database is down or changes its version', () => {
  const post = (type: string, content: string | Buffer) => {
    const one = key.post('/migrate');
    const asItIs = one.serialize((given) => given as string);
    return asItIs.set('Content-Type', type).send(content);
  };

  test.each([
    ['incomplete JSON', 'application/json', '{"account_id": ', 400],
    ['a body that is not JSON', 'application/json', 'account_id=acme', 400],
    ['a body that is not UTF-8', 'application/json', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400],
    ['a form-encoded body', 'application/x-www-form-urlencoded', 'account_id=acme', 415],
    ['a plain-text body', 'text/plain', '{"account_id": "acme"}', 415],
    [
      'a body that is too large',
      'application/json',
      `{"account_id": "${'x'.repeat(70_000)}"}`,
      413,
    ],
    ['a JSON list', 'application/json', '[]', 422],
    ['a JSON number', 'application/json', '1', 422],
    ['JSON null', 'application/json', 'null', 422],
    ['a deeply nested JSON list', 'application/json', '['.repeat(30_000) + ']'.repeat(30_000), 422],
    ['an empty body', 'application/json', '', 422],
    ['an account id that is a number', 'application/json', '{"account_id": 1}', 422],
    ['an empty account id', 'application/json', '{"account_id": ""}', 422],
    ['an account id with a slash', 'application/json', '{"account_id": "a/b"}', 422],
    ['an account id with a line break', 'application/json', '{"account_id": "acme\\n"}', 422],
    ['an account id that is an object', 'application/json', '{"account_id": {"$gt": ""}}', 422],
    ['an unknown field', 'application/json', '{"account_id": "acme", "x": 1}', 422],
    [
      'a body with the field __proto__',
      'application/json',
      '{"account_id": "acme", "__proto__": {"force": true}}',
      422,
    ],
    ['an unknown part', 'application/json', '{"account_id": "acme", "part": "all"}', 422],
    [
      'a value of force that is a string',
      'application/json',
      '{"account_id": "acme", "force": "yes"}',
      422,
    ],
    [
      'a dump location with ..',
      'application/json',
      '{"account_id": "acme", "location": "../x"}',
      422,
    ],
    [
      'a dump location that begins with a slash',
      'application/json',
      '{"account_id": "acme", "location": "/x"}',
      422,
    ],
    [
      'a dump location that is a URL',
      'application/json',
      '{"account_id": "acme", "location": "s3://b/x"}',
      422,
    ],
    [
      'a dump location with a hidden folder',
      'application/json',
      '{"account_id": "acme", "location": "a/.b"}',
      422,
    ],
  ])('the account API refuses %s with an error message', async (_what, type, content, status) => {
    const answer = await post(type, content);
    expect([answer.status, answer.headers['content-type']]).toEqual([
      status,
      'application/json; charset=utf-8',
    ]);
    expect(answer.body).toEqual({ error: { status, message: expect.stringMatching(/\w/) } });
    expect(await jobs()).toEqual([]);
  });

  test('the account API refuses a compressed body with 415', async () => {
    const zipped = await post('application/json', '{}').set('Content-Encoding', 'gzip');
    expect(zipped.status).toBe(415);
  });

  test('the API answers an unsupported method with 405 and OPTIONS with 204, each with the allowed methods', async () => {
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

  test('the account API needs no cookie and no CSRF token, and sets no cookie', async () => {
    const answer = await key
      .post('/migrate', { account_id: 'acme' })
      .set('Sec-Fetch-Site', 'cross-site')
      .set('Origin', 'https://conversations.example.com');
    expect([answer.status, answer.headers['set-cookie']]).toEqual([202, undefined]);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('the account API answers 503 with Retry-After while the database is being updated to another version (J-5)', async () => {
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

  test('the account API answers 426 if the database has another version than the server', async () => {
    await writeVersion(world.staging.documents, { databaseVersion: '0.0.1', isUpdating: false });
    const closed = await openSite(world, 'staging', { LOG_LEVEL: 'error' });
    const caller = callerWith(closed, await older.shopperToken('acme'));
    expect((await caller.get('/accounts')).status).toBe(426);
    expect((await caller.post('/start-migration')).status).toBe(426);
    await closed.close();
  });

  test('the account API answers a poll with 503 and Retry-After while MySQL is unreachable', async () => {
    const away = await openSite(world, 'staging', { SQL_DB_HOST: '127.0.0.1', SQL_DB_PORT: '9' });
    const answer = await callerWith(away, await older.shopperToken('acme')).get('/check-migration');
    expect([answer.status, Number(answer.headers['retry-after']) > 0]).toEqual([503, true]);
    await away.close();
  });

  test('while the database version is unknown, an app can read its account, but gets 503 when it starts a migration', async () => {
    await world.staging.documents.collection('metadata').deleteMany({});
    const unknown = await openSite(world, 'staging', { LOG_LEVEL: 'error' });
    const caller = callerWith(unknown, await older.shopperToken('acme'));
    expect((await caller.get('/accounts')).status).toBe(200);
    const start = await caller.post('/start-migration', {});
    expect([start.status, Number(start.headers['retry-after'])]).toEqual([503, 10]);
    expect(await jobs()).toEqual([]);
    await unknown.close();
  });

  test('while Redis is unreachable, an app can poll and start a migration, whose job waits in MySQL', async () => {
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

describe('reading an inbox through the API', () => {
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

  test('an app reads all threads and messages by following “next”, and sees which messages are deleted in the older system Conversations', async () => {
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

  test('the API sends an attachment as a file to download, whatever its name and media type are', async () => {
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
