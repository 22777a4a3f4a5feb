// S0-70 after each write the search indexer is told which ids changed: signed, until it takes it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openApp, type App } from '../../src/environments/app.ts';
import { deliver, signatureOf } from '../../src/outbox/delivery.ts';
import { failpoints } from '../../src/writing/failpoints.ts';
import * as outbox from '../../src/outbox/outbox.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { recoverNow, transferKilledAt, dismiss } from '../support/killing.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, transfer, undo } from '../support/rows.ts';
import { openWorld, settingsOf, type World } from '../support/world.ts';

const secret = 'a secret of the indexer, 32 characters';
type Told = { headers: IncomingHttpHeaders; body: string };

/** An indexer that answers as it is told. */
async function openIndexer() {
  const told: Told[] = [];
  const answers: number[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (part) => (body += String(part)));
    req.on('end', () => {
      const status = answers.shift() ?? 204;
      told.push({ headers: req.headers, body });
      if (status === 0) req.socket.destroy();
      else res.writeHead(status).end(status === 500 ? 'out of memory' : undefined);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/oneway`;
  return { told, answers, url, close: () => server.close() };
}

let world: World;
let indexer: Awaited<ReturnType<typeof openIndexer>>;
let staging: App;
const variables = () => ({ INDEXER_URL: indexer.url(), INDEXER_SECRET: secret });
beforeAll(async () => {
  world = await openWorld();
});
beforeEach(async () => {
  await world.clear();
  indexer = await openIndexer();
  staging = openApp(settingsOf(world.variables.staging, variables()));
});
afterEach(async () => {
  indexer.close();
  await staging.close();
});
afterAll(async () => {
  dismiss();
  await world.close();
});

const lines = () => outbox.list(world.staging.sql, { state: '', before: null });
const soon = () =>
  run(world.staging.sql, sql`update outbox set next_at = utc_timestamp(3) where state = 'waiting'`);

async function sendOne() {
  const business = await add(world.staging, 'business');
  const task = await add(world.staging, 'task', { business });
  const sent = await transfer(staging, [{ entity: 'task', id: task }]);
  return { sent, business, task };
}

describe('what is told', () => {
  test('S0-70 which ids were written where, in the commit of the transfer, once', async () => {
    const { sent, business, task } = await sendOne();
    expect(await deliver(staging)).toBe(1);
    expect(await deliver(staging)).toBe(0);
    expect(indexer.told.map(({ body }) => JSON.parse(body) as object)).toMatchObject([
      {
        ...{ type: 'rows.changed', environment: 'preprod', kind: 'transfer' },
        transfer: { id: sent.id, number: sent.number },
        ...{ changed: { business: [business], task: [task] }, removed: {} },
      },
    ]);
    await undo(staging, sent);
    await deliver(staging);
    expect(JSON.parse(indexer.told[1]?.body ?? '')).toMatchObject({
      ...{ kind: 'undo', changed: {}, removed: { business: [business], task: [task] } },
    });
  });

  test('a transfer that is put back tells nothing', async () => {
    const id = await add(world.staging, 'form');
    failpoints.reached = (name) => {
      if (name !== 'before commit') return;
      failpoints.reached = () => {};
      throw Object.assign(new Error('refused'), { sqlMessage: 'refused', code: 'ER_TEST' });
    };
    expect((await transfer(staging, [{ entity: 'form', id }])).state).toBe('rolled_back');
    expect(await lines()).toEqual([]);
  });

  test('without an indexer nothing is written down', async () => {
    const id = await add(world.staging, 'form');
    await transfer(world.staging, [{ entity: 'form', id }]);
    expect(await lines()).toEqual([]);
  });

  test('killed right before or after its end, a transfer is told once', async () => {
    for (const point of ['removed', 'finish']) {
      const id = await add(world.staging, 'form');
      const own = { ...world.variables.staging, ...variables() };
      expect(await transferKilledAt(own, [{ entity: 'form', id }], point)).toBe(true);
      await recoverNow(staging);
    }
    expect(await lines()).toHaveLength(2);
  });
});

describe('how it is told', () => {
  test('the signature is checked by what the documentation shows, and a forged one is not', async () => {
    await sendOne();
    await deliver(staging);
    const [{ headers, body } = { headers: {}, body: '' }] = indexer.told;
    const header = String(headers['oneway-signature']);
    const script = `
import hashlib, hmac, sys, time
body, header, secret = sys.stdin.buffer.read(), sys.argv[1], sys.argv[2]
given = dict(part.split("=", 1) for part in header.split(","))
expected = hmac.new(secret.encode(), given["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
print(hmac.compare_digest(given["v1"], expected) and abs(time.time() - int(given["t"])) < 300)`;
    const check = (text: string, signature: string) =>
      spawnSync('python3', ['-c', script, signature, secret], {
        input: text,
        encoding: 'utf8',
      }).stdout.trim();
    expect(check(body, header)).toBe('True');
    expect(check(`${body} `, header)).toBe('False');
    expect(check(body, signatureOf('another secret', body))).toBe('False');
    expect(check(body, signatureOf(secret, body, Date.now() - 600_000))).toBe('False');
    expect(headers['oneway-event']).toBe((JSON.parse(body) as { event: string }).event);
  });

  test('it is tried again, ever later, until it is taken', async () => {
    await sendOne();
    indexer.answers.push(500, 0, 204);
    await deliver(staging);
    expect(await lines()).toMatchObject([
      { state: 'waiting', attempts: 1, answer: 'HTTP 500 out of memory' },
    ]);
    expect(await deliver(staging)).toBe(0);
    await soon();
    await deliver(staging);
    const [waits] = await select<{ seconds: number }>(
      world.staging.sql,
      sql`select timestampdiff(second, utc_timestamp(3), next_at) as seconds from outbox`,
    );
    expect(waits?.seconds).toBeGreaterThan(5);
    await soon();
    expect(await deliver(staging)).toBe(1);
    expect(await lines()).toMatchObject([{ state: 'sent', attempts: 3, answer: 'HTTP 204' }]);
    const events = indexer.told.map(({ headers }) => headers['oneway-event']);
    expect(new Set(events).size).toBe(1);
  });

  test('many machines send it once', async () => {
    await sendOne();
    await Promise.all([deliver(staging), deliver(staging), deliver(staging)]);
    expect(indexer.told).toHaveLength(1);
  });

  test('in the end it is given up, administrators are told, and one of them sends it again', async () => {
    const site = await openSite(world, 'staging', variables());
    const ops = await site.as('ops');
    await sendOne();
    await run(world.staging.sql, sql`update outbox set attempts = 14`);
    indexer.answers.push(500);
    await deliver(staging);
    expect(await lines()).toMatchObject([{ state: 'failed', attempts: 15 }]);
    expect(textOf((await ops.get('/messages')).text)).toContain('did not take');
    const page = textOf((await ops.get('/outbox')).text);
    expect(page).toContain('Given up');
    expect(page).toContain('HTTP 500 out of memory');
    const [line] = await lines();
    const vic = await site.as('vic');
    expect((await vic.post(`/outbox/${line?.id}/sending`)).status).toBe(403);
    await ops.post(`/outbox/${line?.id}/sending`);
    expect(await deliver(staging)).toBe(1);
    expect(textOf((await vic.get('/outbox')).text)).toContain('Taken');
    await site.close();
  });
});
