// S0-70 after each write, Oneway notifies the search indexer of the changed ids by a signed webhook, until the indexer
// acknowledges.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { spawnSync } from 'node:child_process';
import { openApp, type App } from '../../src/environments/app.ts';
import { signatureOf } from '../../src/messages/channels/webhook.ts';
import { deliver } from '../../src/messages/delivery.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import * as outbox from '../../src/messages/outbox.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { recoverNow, transferKilledAt } from '../support/killing.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, transfer, undo } from '../support/rows.ts';
import { createTrigger } from '../support/triggers.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const secret = 'a secret of the indexer, 32 characters';
const world = useWorld();
let indexer: Receiver;
let staging: App;
const variables = () => ({ INDEXER_URL: indexer.url, INDEXER_SECRET: secret });
beforeEach(async () => {
  indexer = await openReceiver();
  staging = openApp(settingsOf(world.variables.staging, variables()));
});
afterEach(async () => {
  indexer.close();
  await staging.close();
});

const lines = () => outbox.list(world.staging.sql, { channel: 'indexer', state: '', before: null });
const soon = () =>
  run(world.staging.sql, sql`update outbox set next_at = utc_timestamp(3) where state = 'pending'`);

async function sendOne() {
  const business = await add(world.staging, 'business');
  const task = await add(world.staging, 'task', { business });
  const sent = await transfer(staging, [{ entity: 'task', id: task }]);
  return { sent, business, task };
}

describe('what notifications tell the search indexer', () => {
  test('S0-70 a transfer sends the search indexer one message with the ids of the written rows; its undo sends one with the ids of removed rows', async () => {
    const { sent, business, task } = await sendOne();
    expect(await deliver(staging)).toBe(1);
    expect(await deliver(staging)).toBe(0);
    expect(indexer.received.map(({ body }) => JSON.parse(body) as object)).toMatchObject([
      {
        type: 'rows.changed',
        environment: 'preprod',
        kind: 'transfer',
        transfer: { id: sent.id, number: sent.number },
        changed: { business: [business], task: [task] },
        removed: {},
      },
    ]);
    const [{ headers, body } = { headers: {}, body: '' }] = indexer.received;
    expect(headers['content-type']).toBe('application/json');
    expect(Object.keys(JSON.parse(body) as object)).toEqual([
      'event',
      'type',
      'at',
      'environment',
      'kind',
      'transfer',
      'changed',
      'removed',
    ]);
    await undo(staging, sent);
    await deliver(staging);
    expect(JSON.parse(indexer.received[1]?.body ?? '')).toMatchObject({
      kind: 'undo',
      changed: {},
      removed: { business: [business], task: [task] },
    });
  });

  test('the search indexer is also notified of a row whose stored content differs from the content that was sent (F9)', async () => {
    const { sql: there } = world.preprod;
    await createTrigger(
      world.preprod,
      'odd',
      'before insert on task for each row set new.title = upper(new.title)',
    );
    try {
      const { business, task } = await sendOne();
      await deliver(staging);
      expect(JSON.parse(indexer.received[0]?.body ?? '')).toMatchObject({
        changed: { business: [business], task: [task] },
        removed: {},
      });
    } finally {
      await there.query('drop trigger odd');
    }
  });

  test('a transfer that is rolled back does not notify the search indexer', async () => {
    const id = await add(world.staging, 'form');
    failpoints.reached = (name) => {
      if (name !== 'before commit') return;
      failpoints.reached = () => {};
      throw Object.assign(new Error('refused'), { sqlMessage: 'refused', code: 'ER_TEST' });
    };
    expect((await transfer(staging, [{ entity: 'form', id }])).state).toBe('rolled_back');
    expect(await lines()).toEqual([]);
  });

  test('a transfer adds no notification to the outbox when the settings name no search indexer', async () => {
    const id = await add(world.staging, 'form');
    await transfer(world.staging, [{ entity: 'form', id }]);
    expect(await lines()).toEqual([]);
  });

  test('a transfer whose process is killed just before or just after it is recorded as ended notifies the search indexer exactly once', async () => {
    for (const point of ['removed', 'finish']) {
      const id = await add(world.staging, 'form');
      const own = { ...world.variables.staging, ...variables() };
      expect(await transferKilledAt(own, [{ entity: 'form', id }], point)).toBe(true);
      await recoverNow(staging);
    }
    expect(await lines()).toHaveLength(2);
  });
});

describe('how notifications are delivered to the search indexer', () => {
  test('the signature check in docs/indexer.md accepts a real signature and rejects a forged or old one', async () => {
    await sendOne();
    await deliver(staging);
    const [{ headers, body } = { headers: {}, body: '' }] = indexer.received;
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

  test('a webhook message is sent again with growing delays until the receiver acknowledges it', async () => {
    await sendOne();
    indexer.answers.push(500, 0, 204);
    await deliver(staging);
    expect(await lines()).toMatchObject([
      { state: 'pending', attempts: 1, answer: 'HTTP 500 out of memory' },
    ]);
    expect(await deliver(staging)).toBe(0);
    await soon();
    await deliver(staging);
    const [delay] = await select<{ seconds: number }>(
      world.staging.sql,
      sql`select timestampdiff(second, utc_timestamp(3), next_at) as seconds from outbox`,
    );
    expect(delay?.seconds).toBeGreaterThan(5);
    await soon();
    expect(await deliver(staging)).toBe(1);
    expect(await lines()).toMatchObject([
      { state: 'acknowledged', attempts: 3, answer: 'HTTP 204' },
    ]);
    const events = indexer.received.map(({ headers }) => headers['oneway-event']);
    expect(new Set(events).size).toBe(1);
  });

  test('several processes that deliver at the same time send each notification once', async () => {
    await sendOne();
    await Promise.all([deliver(staging), deliver(staging), deliver(staging)]);
    expect(indexer.received).toHaveLength(1);
  });

  test('a webhook message is given up after 15 failures, and an administrator is notified and sends it again', async () => {
    const site = await openSite(world, 'staging', variables());
    const ops = await site.as('ops');
    await sendOne();
    await run(world.staging.sql, sql`update outbox set attempts = 14`);
    indexer.answers.push(500);
    await deliver(staging);
    expect(await lines()).toMatchObject([{ state: 'failed', attempts: 15 }]);
    expect(textOf((await ops.get('/messages')).text)).toContain('did not acknowledge');
    const page = textOf((await ops.get('/outbox')).text);
    expect(page).toContain('Given up');
    expect(page).toContain('HTTP 500 out of memory');
    const [line] = await lines();
    const vic = await site.as('vic');
    expect((await vic.post(`/outbox/${line?.id}/retry`)).status).toBe(403);
    await ops.post(`/outbox/${line?.id}/retry`);
    expect(await deliver(staging)).toBe(1);
    expect(textOf((await vic.get('/outbox')).text)).toContain('Acknowledged');
    await site.close();
  });
});
