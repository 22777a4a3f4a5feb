// Tests pages while MySQL, MongoDB or Redis of their own environment is unreachable, silent, slow or read-only, or cuts
// connections: every page ends in time, if necessary with an error message, and no typed values are lost.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createConnection, type Connection } from 'mysql2/promise';
import { startMysql } from '../../bin/mysql-server.ts';
import { end } from '../../bin/programs.ts';
import { startRedis } from '../../bin/servers.ts';
import { timeouts } from '../../src/database/timeouts.ts';
import { first, sql } from '../../src/database/sql.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { walk } from '../../src/rows/store.ts';
import { TTL_MS } from '../../src/version/compatibility.ts';
import { openSite, password, textOf, type Client, type Site } from '../support/people.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { openWorld, servers, useWorld } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'oneway-own-'));
const running: ChildProcess[] = [];
let root: Connection;
let own: Record<'mysql' | 'mongo' | 'redis', Proxy>;
const NAME = 'own';

const world = useWorld({
  cleared: 'once',
  open: async () => {
    const keep = (child: ChildProcess) => running.push(child);
    const mysql = await startMysql(join(folder, 'mysql'), keep);
    const redis = await startRedis(join(folder, 'redis'), keep);
    const { mongo } = servers();
    own = {
      mysql: await openProxy(Number(mysql.port)),
      mongo: await openProxy(Number(mongo.port)),
      redis: await openProxy(Number(redis.port)),
    };
    root = await createConnection({ uri: mysql.href });
    redis.port = String(own.redis.port);
    return openWorld(
      NAME,
      ({ staging }) => {
        staging['SQL_DB_PORT'] = String(own.mysql.port);
        staging['NOSQL_DB_PORT'] = String(own.mongo.port);
      },
      { mysql, mongo, redis },
    );
  },
});
afterAll(async () => {
  await root.end();
  for (const one of Object.values(own)) one.close();
  for (const child of running) await end(child);
  rmSync(folder, { recursive: true, force: true });
});

let site: Site;
let clients: Client[];
let pages: [Client, string][];
const pm = () => clients[0] as Client;
beforeEach(async () => {
  Object.assign(timeouts, { page: 20_000, probe: 20_000, silence: 20_000 });
  if (site === undefined) {
    site = await openSite(world, 'staging');
    clients = [await site.as('pm'), await site.as('ops')];
    pages = [];
    for (const client of clients) pages.push(...(await menuOf(client)));
  }
  await untilReady();
  Object.assign(timeouts, { page: 1000, probe: 700, silence: 2000 });
});
afterEach(async () => {
  for (const proxy of Object.values(own)) {
    await proxy.accept();
    proxy.heal();
  }
});

async function menuOf(client: Client): Promise<[Client, string][]> {
  const { text } = await client.get('/');
  const menu = /<nav[^>]*id="menu".*?<\/nav>/s.exec(text)?.[0] ?? text;
  const links = [...menu.matchAll(/href="(\/[\w/-]*)"/g)].map(([, href]) => String(href));
  expect(links.length).toBeGreaterThan(10);
  return [...new Set(links)].map((href) => [client, href]);
}

async function untilReady() {
  for (let look = 0; look < 150; look += 1) {
    const [{ status }, page] = [await pm().get('/readyz'), await pm().get('/catalog/form')];
    if (status === 200 && page.status === 200) return;
    await sleep(200);
  }
  throw new Error('It is still not ready');
}

const sentence = /right now|at the moment|Try again/;

/**
 * How many milliseconds a page may take while a server fails, and how many pages are requested at once. Pages fail fast
 * without Redis, because Oneway remembers that Redis does not answer. MySQL and MongoDB are pinged only after a request
 * has waited for three seconds.
 */
const patience = {
  redis: { most: 3000, atOnce: 12 },
  mysql: { most: 8000, atOnce: Infinity },
  mongo: { most: 8000, atOnce: Infinity },
};

/**
 * Requests all pages of the menu. Returns the pages that failed without an error message or took
 * too long.
 */
async function wrong({ most, atOnce }: { most: number; atOnce: number }): Promise<string[]> {
  const found: string[] = [];
  const look = async ([client, href]: [Client, string]) => {
    const begun = performance.now();
    const { status, text } = await client.get(href);
    const ms = Math.round(performance.now() - begun);
    const isTold = status < 400 || (status === 503 && sentence.test(textOf(text)));
    if (!isTold || ms > most) found.push(`${href}: ${status}, ${ms} ms`);
  };
  for (let from = 0; from < pages.length; from += atOnce) {
    await Promise.all(pages.slice(from, from + atOnce).map(look));
  }
  return found;
}

describe.each<keyof typeof own>(['redis', 'mysql', 'mongo'])(
  'pages while the %s server of their environment fails',
  (server) => {
    test.each<[string, (proxy: Proxy) => unknown]>([
      ['refuses connections', (proxy) => proxy.refuse()],
      ['is silent', (proxy) => proxy.hang('both')],
      ['is silent after its greeting', (proxy) => (proxy.cut(), proxy.hang('after greeting'))],
      ['is slow', (proxy) => proxy.slow(proxy === own.redis ? 1500 : 150)],
      [
        'cuts the connection in the middle of an answer',
        (proxy) => (proxy.cut(), proxy.cutAfter(200)),
      ],
    ])(
      'every page of the menu ends in time when a server of its environment %s (F11)',
      async (_how, fail) => {
        await fail(own[server]);
        expect(await wrong(patience[server])).toEqual([]);
      },
      300_000,
    );
  },
);

let count = 0;
let typed: { name: string; description: string };
beforeEach(() => {
  count += 1;
  typed = { name: `Typed while nothing answered, ${count}`, description: '' };
});
const postOf = (csrf: string) => () =>
  pm().postRaw(
    '/catalog/form',
    'application/x-www-form-urlencoded',
    new URLSearchParams({ ...typed, csrf }).toString(),
  );
async function isSaved() {
  for await (const rows of walk(world.staging, entityNamed('form'), 0, 100)) {
    if (rows.some(({ name }) => name === typed.name)) return true;
  }
  return false;
}

describe('forms that are posted while MySQL, MongoDB or Redis fails', () => {
  test.each<keyof typeof own>(['redis', 'mysql', 'mongo'])(
    'a form posted while the %s server of its environment is silent is shown again with the typed values and not saved (F11)',
    async (server) => {
      const post = postOf(await pm().token());
      // Waits until the cached database version has expired, so that the post reads the version again.
      await sleep(TTL_MS);
      own[server].hang('both');
      const begun = performance.now();
      const answer = await post();
      expect(performance.now() - begun).toBeLessThan(
        server === 'redis' ? 3500 : patience[server].most,
      );
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '10']);
      expect(textOf(answer.text)).toContain('does not answer right now');
      expect(answer.text).toContain(typed.name);
      own[server].heal();
      await untilReady();
      await sleep(500);
      expect(await isSaved()).toBe(false);
    },
    60_000,
  );

  test('when MongoDB falls silent during a save, the typed values are kept, and the page says that the outcome is uncertain (F11)', async () => {
    const post = postOf(await pm().token());
    await pm().get('/catalog/form');
    own.mongo.hang('both');
    const answer = await post();
    expect([answer.status, textOf(answer.text)]).toEqual([
      503,
      expect.stringContaining('Whether this was saved is not certain'),
    ]);
    expect(answer.text).toContain(typed.name);
    own.mongo.heal();
    await untilReady();
    expect((await pm().get('/saved-form')).text).toContain(typed.name);
  }, 60_000);

  test('while MySQL is read-only, a save ends with an explanation, and the typed values are kept for sending again (F11)', async () => {
    await root.query('SET GLOBAL read_only = 1');
    try {
      const answer = await pm().post('/catalog/form', typed);
      expect([answer.status, textOf(answer.text)]).toEqual([
        503,
        expect.stringContaining('takes no changes at the moment'),
      ]);
      expect(answer.text).toContain(typed.name);
      const other = await site.as(null);
      const entered = await other.post('/sign-in', { email: 'pm@example.com', password });
      expect(entered.status).toBe(303);
      const ready = await other.get('/readyz');
      expect([ready.status, ready.body]).toMatchObject([503, { mysql: 'takes no changes' }]);
      expect(await wrong({ most: 3000, atOnce: 12 })).toEqual([]);
    } finally {
      await root.query('SET GLOBAL read_only = 0');
    }
    const kept = await pm().get('/saved-form');
    expect(kept.text).toContain(typed.name);
  }, 120_000);
});

describe('pages that are slow because MySQL is slow', () => {
  test('a page that waits for a locked table is not ended with an error while its databases answer pings (F11)', async () => {
    await root.query(`LOCK TABLES ${NAME}_staging.task WRITE`);
    const page = Promise.resolve(pm().get('/catalog/task'));
    await sleep(4500);
    await root.query('UNLOCK TABLES');
    expect((await page).status).toBe(200);
  }, 20_000);

  test('after a slow page was ended with 503, the late answers of MySQL cause no unhandled error (F11)', async () => {
    const failed: unknown[] = [];
    const note = (error: unknown) => void failed.push(error);
    process.on('unhandledRejection', note).on('uncaughtException', note);
    try {
      own.mysql.slow(6000);
      expect((await pm().get('/catalog/task')).status).toBe(503);
      await sleep(3000);
      own.mysql.heal();
      await untilReady();
      expect(failed).toEqual([]);
    } finally {
      process.off('unhandledRejection', note).off('uncaughtException', note);
    }
  }, 60_000);
});

describe('the health check /readyz while MySQL refuses queries of Oneway’s MySQL account', () => {
  test.each([
    ['ACCOUNT LOCK', 'ACCOUNT UNLOCK', 'has locked the account'],
    ['WITH MAX_QUERIES_PER_HOUR 1', 'WITH MAX_QUERIES_PER_HOUR 0', 'has a limit that is used up'],
  ])(
    'after “alter user … %s” for the MySQL account, the check /readyz says why MySQL refuses queries, without the account’s name (C1)',
    async (take, give, words) => {
      const found = await first<{ user: string }>(world.staging.sql, sql`select user() as user`);
      const user = found?.user.split('@')[0] ?? '';
      const name = `'${user}'@'%'`;
      await root.query(`ALTER USER ${name} ${take}`);
      try {
        own.mysql.cut();
        const stranger = await site.as(null);
        await stranger.get('/readyz');
        const ready = await stranger.get('/readyz');
        expect([ready.status, ready.body]).toMatchObject([503, { mysql: words, mongodb: 'OK' }]);
        expect(ready.text).not.toContain(user);
        const signedIn = await pm().get('/readyz');
        expect([signedIn.status, signedIn.body]).toMatchObject([503, { mysql: words }]);
        const page = await pm().get('/catalog/task');
        expect([page.status, textOf(page.text)]).toEqual([503, expect.stringMatching(/engineer/)]);
      } finally {
        await root.query(`ALTER USER ${name} ${give}`);
        await root.query('FLUSH USER_RESOURCES');
      }
    },
  );
});
