// The program in real processes: two web processes side by side, a worker, shutdowns and kills; health checks, metrics
// and log.
import { v7 as uuid } from 'uuid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import * as jobs from '../../src/jobs/jobs.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { hire, openSite, password } from '../support/people.ts';
import { signInTo, startProgram, type Program } from '../support/processes.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { add, has, sheet } from '../support/rows.ts';
import { openWorld, useWorld } from '../support/world.ts';

const world = useWorld();
const programs: Program[] = [];
beforeEach(() => hire(world.staging, 'pm'));
afterEach(async () => {
  for (const { child, ended } of programs.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

async function start(
  file: 'server' | 'worker',
  also: Record<string, string> = {},
  until = { isReady: true },
) {
  const variables = { ...world.variables.staging, LOG_LEVEL: 'debug', ...also };
  const program = await startProgram(file, variables, until);
  programs.push(program);
  return program;
}
const signIn = (to: Program) => signInTo(to.url, 'pm@example.com', password);

async function until<T>(look: () => Promise<T | undefined | false>, patience = 45_000): Promise<T> {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error('It did not happen');
}

/** Returns the form fields that a click on the transfer sheet posts to start the transfer of these rows. */
async function clickFor(keys: { entity: string; id: number }[]) {
  const { selection, plan } = await sheet(world.staging, keys);
  return { selection: selection.id, plan: plan.hash, idempotency_key: uuid(), name: '' };
}

describe('two web processes that serve the same environment', () => {
  test('two web processes share sessions, and a transfer that is posted to both processes at once is started only once', async () => {
    const [one, other] = [await start('server'), await start('server')];
    const form = { entity: 'form', id: await add(world.staging, 'form') };
    const pm = await signIn(one);
    expect((await pm.get(other.url, '/transfers')).status).toBe(200);
    const click = await clickFor([form]);
    const answers = await Promise.all([
      pm.post(one.url, '/transfers', click),
      pm.post(other.url, '/transfers', click),
    ]);
    expect(answers[0]?.location).toBe(answers[1]?.location);
    expect(answers[0]?.location).toMatch(/^\/transfers\/\d+$/);
    const sent = await select(
      world.staging.sql,
      sql`select 1 from transfer where kind = 'transfer'`,
    );
    expect(sent).toHaveLength(1);
    expect(await has(world.preprod, form)).toBe(true);
  });

  test('a second web process finishes the refresh of a web process that was killed', async () => {
    for (let number = 0; number < 40; number += 1) await add(world.production, 'form');
    const one = await start('server');
    const pm = await signIn(one);
    // This row of the table `claim` says that another write has reserved a row of staging. The refresh waits until the
    // reservation ends, so that the web process can be killed during the refresh.
    await run(
      world.staging.sql,
      sql`insert into claim (entity, row_id, transfer, mode, number, origin, fence, connection, person, since)
          values ('form', ${2_000_000_010}, 'held', 'write', 1, 'test', 1, 0, 'test', utc_timestamp(3))`,
    );
    const started = await pm.post(one.url, '/refreshes', { what: 'copy' });
    expect(started.location).toMatch(/^\/jobs\/\d+$/);
    const begun = await until(async () => {
      const [job] = await jobs.newest(world.staging.sql, 'refresh');
      return job?.state === 'running' && job;
    });
    one.child.kill('SIGKILL');
    await one.ended;
    await run(world.staging.sql, sql`delete from claim where transfer = 'held'`);
    const other = await start('server');
    const ended = await until(async () => {
      const job = await jobs.byId(world.staging.sql, begun.id);
      return job?.state === 'done' && job;
    }, 60_000);
    expect(ended.attempt).toBeGreaterThan(1);
    const [forms] = await select<{ forms: number }>(
      world.staging.sql,
      sql`select count(*) as forms from row_state where entity = 'form'`,
    );
    expect(forms?.forms).toBe(40);
    expect((await fetch(`${other.url}/healthcheck`)).status).toBe(200);
  }, 120_000);

  test('a worker process runs the jobs of web processes that run no jobs themselves', async () => {
    const web = await start('server', { RUN_JOBS: 'false' });
    await add(world.production, 'form');
    const pm = await signIn(web);
    await pm.post(web.url, '/refreshes', { what: 'look' });
    await sleep(1500);
    expect(await jobs.newest(world.staging.sql, 'refresh')).toMatchObject([{ state: 'waiting' }]);
    const worker = await start('worker');
    await until(async () => (await jobs.newest(world.staging.sql, 'refresh'))[0]?.state === 'done');
    worker.child.kill('SIGTERM');
    expect(await worker.ended).toEqual({ code: 0, signal: null });
  });
});

test('on SIGTERM the server exits despite a keep-alive connection and an open event stream', async () => {
  const server = await start('server');
  const pm = await signIn(server);
  const { job } = await jobs.request(world.staging.sql, {
    kind: 'of next year',
    name: 'Waits',
    person: 'pm@example.com',
    input: {},
  });
  const stream = pm.get(server.url, `/jobs/${job.number}/events`);
  let isOn = true;
  const asking = (async () => {
    while (isOn) {
      await fetch(`${server.url}/healthcheck`).catch(() => (isOn = false));
      await sleep(20);
    }
  })();
  await sleep(500);
  server.child.kill('SIGTERM');
  const gone = await Promise.race([server.ended, sleep(10_000)]);
  isOn = false;
  await asking;
  expect(gone).toEqual({ code: 0, signal: null });
  expect((await stream).text).toContain('"state":"waiting"');
});

test('without Redis the server starts and /readyz reports the problem; jobs run once Redis answers again', async () => {
  const proxy = await openProxy(Number(new URL(world.variables.staging['REDIS_URL'] ?? '').port));
  const redis = new URL(world.variables.staging['REDIS_URL'] ?? '');
  const port = redis.port;
  redis.port = String(proxy.port);
  proxy.to(1);
  const starting = start('server', { REDIS_URL: redis.href }, { isReady: false });
  const server = await starting;
  const down = await fetch(`${server.url}/readyz`);
  expect([down.status, await down.json()]).toMatchObject([503, { mysql: 'OK', version: 'OK' }]);
  await jobs.request(world.staging.sql, {
    kind: 'refresh',
    name: 'Waits',
    person: 'pm@example.com',
    input: { dryRun: true },
  });
  proxy.to(Number(port));
  await until(async () => (await jobs.newest(world.staging.sql, 'refresh'))[0]?.state === 'done');
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  server.child.kill('SIGTERM');
  expect(await server.ended).toEqual({ code: 0, signal: null });
  proxy.close();
}, 90_000);

test('a worker whose connections to Redis are cut while they are being opened runs jobs once Redis answers', async () => {
  const redis = new URL(world.variables.staging['REDIS_URL'] ?? '');
  const proxy = await openProxy(Number(redis.port));
  redis.port = String(proxy.port);
  // The proxy cuts the connections to Redis after this many bytes: after the login, but before BullMQ has received the
  // server information that it requests from Redis.
  proxy.cutAfter(2000);
  const worker = await start('worker', { REDIS_URL: redis.href });
  await sleep(3000);
  proxy.heal();
  await jobs.request(world.staging.sql, {
    kind: 'refresh',
    name: 'Waits',
    person: 'pm@example.com',
    input: { dryRun: true },
  });
  await until(async () => (await jobs.newest(world.staging.sql, 'refresh'))[0]?.state === 'done');
  worker.child.kill('SIGTERM');
  expect(await worker.ended).toEqual({ code: 0, signal: null });
  proxy.close();
}, 90_000);

test.each<['server' | 'worker', string, (proxy: Proxy) => unknown]>([
  ['server', 'does not answer', (proxy) => proxy.hang('both')],
  ['server', 'refuses connections', (proxy) => proxy.refuse()],
  ['worker', 'refuses connections', (proxy) => proxy.refuse()],
])(
  'on SIGTERM the %s process exits even if Redis %s',
  async (file, _how, fail) => {
    const redis = new URL(world.variables.staging['REDIS_URL'] ?? '');
    const proxy = await openProxy(Number(redis.port));
    redis.port = String(proxy.port);
    const program = await start(file, { REDIS_URL: redis.href });
    await fail(proxy);
    await sleep(1000);
    program.child.kill('SIGTERM');
    expect(await Promise.race([program.ended, sleep(30_000)])).toEqual({ code: 0, signal: null });
    proxy.close();
  },
  60_000,
);

test('on SIGTERM the server finishes a running transfer and exits', async () => {
  const server = await start('server');
  const form = { entity: 'form', id: await add(world.staging, 'form') };
  const pm = await signIn(server);
  const click = await clickFor([form]);
  // Every write locks the row `clock` of the table `clock`, from which it takes its timestamps. The lock that this test
  // takes makes the transfer wait.
  const holder = await world.preprod.sql.getConnection();
  await holder.query('START TRANSACTION');
  await holder.query("select * from clock where name = 'clock' for update");
  const posting = pm.post(server.url, '/transfers', click);
  await until(async () => {
    const [claim] = await select(world.preprod.sql, sql`select 1 from claim`);
    return claim !== undefined;
  });
  server.child.kill('SIGTERM');
  await sleep(300);
  expect(server.child.exitCode).toBeNull();
  await holder.query('ROLLBACK');
  holder.release();
  expect((await posting).location).toMatch(/^\/transfers\/\d+$/);
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(await has(world.preprod, form)).toBe(true);
  const [{ state } = { state: '' }] = await select<{ state: string }>(
    world.staging.sql,
    sql`select state from transfer where kind = 'transfer'`,
  );
  expect(state).toBe('verified');
});

describe('health checks, metrics and log of the server', () => {
  test('S3-50 /readyz reports the state of each database and service with a reason, and /healthcheck answers OK while MongoDB is down', async () => {
    const proxy = await openProxy(Number(new URL(process.env['TEST_MONGO_URL'] ?? '').port));
    const other = await openWorld('ready', ({ staging }) => {
      staging['NOSQL_DB_PORT'] = String(proxy.port);
    });
    const site = await openSite(other, 'staging');
    const client = await site.as(null);
    expect((await client.get('/healthcheck')).body).toEqual({ status: 'OK' });
    const ready = await client.get('/readyz');
    expect([ready.status, ready.body]).toEqual([
      200,
      { mysql: 'OK', mongodb: 'OK', redis: 'OK', version: 'OK' },
    ]);
    proxy.close();
    await sleep(2100);
    const down = await client.get('/readyz');
    expect([down.status, down.body]).toMatchObject([503, { mysql: 'OK', redis: 'OK' }]);
    expect((down.body as { mongodb: string }).mongodb).not.toBe('OK');
    expect((await client.get('/healthcheck')).status).toBe(200);
    await site.close();
    await other.close();
  }, 60_000);

  test('the metrics page counts requests by route, pending rows and transfers that need attention, and can require a token', async () => {
    const site = await openSite(world, 'staging', { METRICS_TOKEN: 'a token of monitoring' });
    const client = await site.as('pm');
    await run(
      world.staging.sql,
      sql`insert into job (id, kind, name, person, input, state) values ('j', 'refresh', 'x', 'x', '{}', 'waiting')`,
    );
    await client.get('/catalog/task/12');
    expect((await client.get('/metrics')).status).toBe(401);
    const { text } = await client
      .get('/metrics')
      .set('Authorization', 'Bearer a token of monitoring');
    expect(text).toContain('route="/catalog/:entity/:id"');
    expect(text).not.toContain('/catalog/task/12');
    expect(text).toContain('oneway_jobs{state="waiting",environment="staging"} 1');
    expect(text).toContain('oneway_transfers{state="needs_attention",environment="staging"} 0');
    expect(text).toContain('process_resident_memory_bytes');
    await site.close();
  });

  test('the log is JSON with a request id, and without secrets and personal data', async () => {
    const server = await start('server');
    const pm = await signIn(server);
    await signInTo(server.url, 'pm@example.com', 'a wrong password');
    const form = await add(world.staging, 'form', { name: 'Ana Pereira’s form' });
    await pm.get(server.url, `/catalog/form?q=ana.pereira%40example.com`);
    await pm.post(server.url, '/transfers', await clickFor([{ entity: 'form', id: form }]));
    // Without the table `person`, MySQL refuses a statement of the sign-in. The error may repeat the typed values,
    // which must not get into the log.
    await world.staging.sql.query('alter table person rename to person_away');
    await signInTo(server.url, 'quoted@example.com', 'some password');
    await world.staging.sql.query('alter table person_away rename to person');
    const answer = await fetch(`${server.url}/nothing`, {
      headers: { 'X-Request-Id': 'from-the-proxy-17', Authorization: 'Bearer ow_a-secret-key' },
    });
    expect(answer.headers.get('X-Request-Id')).toBe('from-the-proxy-17');
    const lines = await until(async () => {
      const all = server.log();
      return JSON.stringify(all).includes('/nothing') && all;
    });
    const text = JSON.stringify(lines);
    expect(text).toContain('from-the-proxy-17');
    expect(text).toContain('a database refused a statement');
    for (const word of [
      password,
      'a wrong password',
      'pm@example.com',
      'ana.pereira',
      'Ana Pereira',
      'oneway.staging',
      'ow_a-secret-key',
      world.variables.staging['SESSION_SECRET'],
      world.variables.staging['SQL_DB_PASSWORD'],
    ]) {
      expect([word, text.includes(String(word))]).toEqual([word, false]);
    }
  });
});
