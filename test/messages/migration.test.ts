// The database migration that added channels (e-mail, webhook …) keeps all inbox messages and outbox messages.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropEnvironments, prepareEnvironments } from '../../bin/databases.ts';
import { available, migrate } from '../../src/database/migrate.ts';
import { select, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import * as inApp from '../../src/messages/channels/in-app.ts';
import { deliver } from '../../src/messages/delivery.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { servers, settingsOf } from '../support/world.ts';

const name = `messages${process.env['VITEST_POOL_ID'] ?? '0'}`;
let here: App;
let indexer: Receiver;
beforeAll(async () => {
  await dropEnvironments(servers(), name);
  const variables = await prepareEnvironments(servers(), name, () => '/srv/none');
  indexer = await openReceiver();
  here = openApp(
    settingsOf(variables.staging, {
      INDEXER_URL: indexer.url,
      INDEXER_SECRET: 'a secret of the indexer, 32 characters',
      LOG_LEVEL: 'silent',
    }),
  );
});
afterAll(async () => {
  indexer.close();
  await here.close();
});

test('the database migration that added message channels (e-mail, webhook) keeps all messages, and pending ones are still delivered', async () => {
  const before = (await available()).filter((one) => !one.startsWith('app/') || one < 'app/0007');
  await migrate(here.sql, here.documents, { names: before });
  await here.sql.query(
    "insert into message (person, text, href) values ('ana@example.com', 'Old one', '/transfers/1')",
  );
  await here.sql.query(
    `insert into outbox (event, subject, body, state, attempts, next_at, answer, created_at, sent_at)
     values ('e-1', 'Sent', '{"a":1}', 'sent', 1, now(3), 'HTTP 204', now(3), '2026-01-02 03:04:05.678'),
            ('e-2', 'Unsent', '{"a":2}', 'waiting', 3, '2026-01-01', 'HTTP 500', now(3), null),
            ('e-3', 'Given up', '{"a":3}', 'failed', 15, now(3), 'HTTP 500', now(3), null)`,
  );
  expect(await migrate(here.sql, here.documents)).toContain('app/0007-messages.sql');
  const lines = await select(
    here.sql,
    sql`select message_id, event, channel, recipient, state, attempts, acknowledged_at
          from outbox order by id`,
  );
  const common = { event: 'rows.changed', channel: 'webhook', recipient: 'indexer' };
  expect(lines).toEqual([
    {
      message_id: 'e-1',
      ...common,
      state: 'acknowledged',
      attempts: 1,
      acknowledged_at: '2026-01-02 03:04:05.678',
    },
    { message_id: 'e-2', ...common, state: 'pending', attempts: 3, acknowledged_at: null },
    { message_id: 'e-3', ...common, state: 'failed', attempts: 15, acknowledged_at: null },
  ]);
  expect(await inApp.of(here.sql, 'ana@example.com')).toMatchObject([
    { text: 'Old one', href: '/transfers/1', event: '' },
  ]);
  expect(await deliver(here)).toBe(1);
  expect(indexer.received.map(({ headers, body }) => [headers['oneway-event'], body])).toEqual([
    ['e-2', '{"a":2}'],
  ]);
});
