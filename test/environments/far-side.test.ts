// Staging’s pages keep working while the servers of its destination, pre-production, are unreachable, silent or slow,
// or refuse staging’s database account.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createConnection, type Connection } from 'mysql2/promise';
import { v4 as uuid } from 'uuid';
import { startMysql } from '../../bin/mysql-server.ts';
import { end } from '../../bin/programs.ts';
import { forgetCached } from '../../src/database/cached-for.ts';
import { timeouts } from '../../src/database/timeouts.ts';
import { requestComparison } from '../../src/comparison/job.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { ended } from '../support/jobs.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { byId } from '../../src/writing/journal.ts';
import { openTerminal } from '../support/command.ts';
import { openSite, password, textOf, type Client, type Site } from '../support/people.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { add, sheet, transfer } from '../support/rows.ts';
import { openWorld, servers, useWorld } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'oneway-far-'));
const running: ChildProcess[] = [];
let root: Connection;
let there: Record<'mysql' | 'mongo', Proxy>;
const NAME = 'far';
const account = `'${NAME}_preprod_arrivals'@'%'`;

const world = useWorld({
  cleared: 'once',
  open: async () => {
    const mysql = await startMysql(folder, (child) => running.push(child));
    const { mongo, redis } = servers();
    there = {
      mysql: await openProxy(Number(mysql.port)),
      mongo: await openProxy(Number(mongo.port)),
    };
    root = await createConnection({ uri: mysql.href });
    return openWorld(
      NAME,
      ({ staging }) => {
        staging['UNI_DIR_DESTINATION_SQL_DB_PORT'] = String(there.mysql.port);
        staging['UNI_DIR_DESTINATION_NOSQL_DB_PORT'] = String(there.mongo.port);
      },
      { mysql, mongo, redis },
    );
  },
});
afterAll(async () => {
  await root.end();
  for (const one of Object.values(there)) one.close();
  for (const child of running) await end(child);
  rmSync(folder, { recursive: true, force: true });
});

let site: Site;
let clients: Client[];
let form: { entity: string; id: number };
beforeEach(async () => {
  Object.assign(timeouts, { page: 20_000, probe: 20_000, memory: 1000 });
  if (site === undefined) {
    site = await openSite(world, 'staging');
    clients = [await site.as('pm'), await site.as('ops')];
    form = { entity: 'form', id: await add(world.staging, 'form', { name: 'Compared' }) };
  }
  await untilCompared();
  Object.assign(timeouts, { page: 1000, probe: 700 });
});
afterEach(async () => {
  for (const proxy of Object.values(there)) {
    await proxy.accept();
    proxy.heal();
  }
});

const [pm, ops] = [() => clients[0] as Client, () => clients[1] as Client];

/**
 * Waits until the list of forms compares its rows with the destination again, because Oneway remembers a failure of the
 * destination for a while.
 */
async function untilCompared() {
  for (let look = 0; look < 100; look += 1) {
    const { text } = await pm().get('/catalog/form');
    if (!text.includes('Statuses are as last seen')) return;
    await sleep(200);
  }
  throw new Error('The destination is still not compared');
}

/**
 * Collects the URLs in the menus of a product manager and of an administrator, and of three pages that read more from
 * the destination.
 */
async function pages(): Promise<[Client, string][]> {
  const found: [Client, string][] = [];
  for (const client of clients) {
    const { text } = await client.get('/');
    const menu = /<nav[^>]*id="menu".*?<\/nav>/s.exec(text)?.[0] ?? text;
    const links = [...menu.matchAll(/href="(\/[\w/-]*)"/g)].map(([, href]) => String(href));
    found.push(...[...new Set(links)].map((href): [Client, string] => [client, href]));
  }
  expect(found.length).toBeGreaterThan(25);
  const more = ['/catalog/task', `/catalog/form/${form.id}`, '/comparison?entity=form&status=New'];
  return [...found, ...more.map((href): [Client, string] => [pm(), href])];
}

/** Opens every page; returns the pages that fail or take longer than two seconds. */
async function wrong(): Promise<string[]> {
  const found: string[] = [];
  for (const [client, href] of await pages()) {
    const begun = performance.now();
    const { status } = await client.get(href);
    const ms = Math.round(performance.now() - begun);
    if (status >= 400 || ms > 2000) found.push(`${href}: ${status} after ${ms} ms`);
  }
  return found;
}

/**
 * Runs statements that change staging’s database account at the destination. Then closes the account’s connections,
 * because only new connections notice the change.
 */
async function changed(...statements: string[]) {
  for (const statement of statements) await root.query(statement);
  const [open] = await root.query('show processlist');
  for (const { Id, User } of open as { Id: number; User: string }[]) {
    if (User === `${NAME}_preprod_arrivals`) await root.query(`KILL ${Id}`);
  }
}

test('while the destination is silent, a list says when rows were compared last, even if no row has a line in destination_state', async () => {
  const { staging } = world;
  const { job } = await requestComparison(staging, 'pm@example.com');
  await runJob(staging, tasks, job.id);
  await ended(staging, job.id);
  await run(
    staging.sql,
    sql`update job set ended_at = '2026-11-20 08:15:00.000' where kind = 'comparison'`,
  );
  await run(staging.sql, sql`delete from destination_state`);
  there.mysql.hang('both');
  expect(textOf((await pm().get('/catalog/form')).text)).toMatch(
    /Statuses are as last seen: .*20 Nov.* 08:15/,
  );
  there.mysql.heal();
  await untilCompared();
});

test('the home page does not wait for a destination that does not answer, and shows its failure on a later request (walk 1, walk 21)', async () => {
  await pm().get('/').expect(200);
  timeouts.farCounts = 300;
  there.mysql.hang('both');
  forgetCached();
  const begun = performance.now();
  await pm().get('/').expect(200);
  expect(performance.now() - begun).toBeLessThan(timeouts.page);
  await sleep(timeouts.page);
  const text = textOf((await pm().get('/')).text);
  expect(text).toMatch(/Pre-production (does not answer in time|is not reachable)/);
});

describe.each<keyof typeof there>(['mysql', 'mongo'])(
  'a destination with a failing %s server',
  (server) => {
    test.each<[string, (proxy: Proxy) => unknown]>([
      ['refuses connections', (proxy) => proxy.refuse()],
      ['is silent', (proxy) => proxy.hang('both')],
      ['is silent after its greeting', (proxy) => (proxy.cut(), proxy.hang('after greeting'))],
      ['is slow', (proxy) => proxy.slow(1500)],
      [
        'cuts connections in the middle of an answer',
        (proxy) => (proxy.cut(), proxy.cutAfter(200)),
      ],
    ])(
      'every page of the menu loads within two seconds while the destination’s server %s (walk 1)',
      async (_how, fail) => {
        await fail(there[server]);
        expect(await wrong()).toEqual([]);
        const { text } = await pm().get('/catalog/form');
        expect(textOf(text)).toMatch(
          /Pre-production (is not reachable|does not answer in time)\. Statuses are as last seen/,
        );
      },
      120_000,
    );
  },
);

/**
 * Runs a command that connects to the destination directly. The command cannot use the proxies of this test: the
 * proxies run in this process, which is blocked while the command runs.
 */
function inTerminal(words: string[]) {
  const oneway = openTerminal(world);
  const also = {
    UNI_DIR_DESTINATION_SQL_DB_PORT: String(there.mysql.target),
    UNI_DIR_DESTINATION_NOSQL_DB_PORT: String(there.mongo.target),
  };
  oneway('staging', ['sign-in', '--email', 'pm@example.com'], { input: `${password}\n`, also });
  return oneway('staging', words, { also });
}

describe('staging while pre-production’s servers lock, limit or restrict staging’s database account', () => {
  test.each<[string, string, string, RegExp]>([
    [
      'is locked',
      `ALTER USER ${account} ACCOUNT LOCK`,
      `ALTER USER ${account} ACCOUNT UNLOCK`,
      /Pre-production has locked this program's account/,
    ],
    [
      'has used up its hourly limit',
      `ALTER USER ${account} WITH MAX_QUERIES_PER_HOUR 1`,
      `ALTER USER ${account} WITH MAX_QUERIES_PER_HOUR 0`,
      /its limit is used up/,
    ],
  ])(
    'every page of the menu opens, and a form’s page names the cause, while staging’s database account at the destination %s (walk 2)',
    async (...given) => {
      const [, take, give, words] = given;
      await changed(take);
      try {
        expect(await wrong()).toEqual([]);
        expect(textOf((await pm().get(`/catalog/form/${form.id}`)).text)).toMatch(words);
      } finally {
        await changed(give, 'FLUSH USER_RESOURCES');
      }
    },
    120_000,
  );

  test('every page of the menu opens, and the list page names the cause, while staging’s database account may not read the destination (walk 2)', async () => {
    const table = `${NAME}_preprod.claim`;
    const [granted] = await root.query(`show grants for ${account}`);
    const lines = (granted as Record<string, string>[]).flatMap((line) => Object.values(line));
    await changed(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${account}`);
    try {
      expect(await wrong()).toEqual([]);
      const { text } = await pm().get('/catalog/form');
      expect(textOf(text)).toContain('Pre-production does not let this program');
      expect(text).not.toContain(table);
    } finally {
      await changed(...lines);
    }
  }, 120_000);

  test('a transfer writes nothing and shows the reason when staging’s database account may not write to the destination (F11)', async () => {
    const tables = ['claim', 'form', 'business', 'city', 'arrival'];
    const selection = await sheet(world.staging, [form]);
    const [granted] = await root.query(`show grants for ${account}`);
    const lines = (granted as Record<string, string>[]).flatMap((line) => Object.values(line));
    const readable = lines.map((line) => line.replace(/SELECT, [A-Z, ]+ ON/, 'SELECT ON'));
    await changed(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${account}`, ...readable);
    try {
      const answer = await pm().post('/transfers', {
        selection: selection.selection.id,
        plan: selection.plan.hash,
        idempotency_key: uuid(),
        name: '',
      });
      expect(answer.status).toBe(303);
      const { text } = await pm().get(String(answer.headers['location']));
      expect(textOf(text)).toContain('Nothing was transferred');
      expect(textOf(text)).toContain('Pre-production does not let this program');
      expect(tables.some((table) => text.includes(`'${table}'`))).toBe(false);

      const said = inTerminal(['transfer', `form:${form.id}`, '--yes']);
      expect([said.status, said.stdout + said.stderr]).toEqual([
        1,
        expect.stringContaining('Pre-production does not let this program'),
      ]);
      expect(said.stderr).not.toContain('    at ');
      const [last] = await select<{ id: string; state: string }>(
        world.staging.sql,
        sql`select id, state from transfer order by number desc limit 1`,
      );
      expect((await byId(world.staging.sql, last?.id ?? ''))?.state).toBe('refused');
    } finally {
      await changed(...lines);
    }
    await untilCompared();
    expect((await transfer(world.staging, [form])).state).toBe('verified');
  }, 120_000);
});

test('Oneway remembers a failed connection to the destination for a moment, so that the next pages do not wait for it (walk 1)', async () => {
  there.mysql.hang('both');
  await pm().get('/catalog/form');
  const begun = performance.now();
  for (let page = 0; page < 5; page += 1) await pm().get('/catalog/form');
  expect(performance.now() - begun).toBeLessThan(2000);
  there.mysql.heal();
  await sleep(timeouts.memory + 500);
  expect((await pm().get('/catalog/form')).text).not.toContain('Statuses are as last seen');
});

test('the transfer sheet shows an error within four seconds while the destination does not answer, and opens once it answers again (walk 1)', async () => {
  const { selection } = await sheet(world.staging, [form]);
  const address = `/selections/${selection.id}`;
  there.mysql.hang('both');
  const begun = performance.now();
  const answer = await pm().get(address);
  expect([answer.status, textOf(answer.text)]).toEqual([
    503,
    expect.stringContaining('Pre-production cannot be reached right now'),
  ]);
  expect(performance.now() - begun).toBeLessThan(4500);
  there.mysql.heal();
  expect((await pm().get(address)).status).toBe(200);
});

test('a row’s page opens and says that the destination could not be read, when the destination lacks a table (walk 2)', async () => {
  const id = await add(world.staging, 'business');
  await root.query(`RENAME TABLE ${NAME}_preprod.business TO ${NAME}_preprod.business_away`);
  try {
    const { status, text } = await ops().get(`/catalog/business/${id}`);
    expect([status, textOf(text)]).toEqual([
      200,
      expect.stringContaining('Pre-production could not be read'),
    ]);
  } finally {
    await root.query(`RENAME TABLE ${NAME}_preprod.business_away TO ${NAME}_preprod.business`);
  }
});
