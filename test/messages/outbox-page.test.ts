// The page Notifications lists outbox messages, and administrators are told when a message is given up.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../bin/programs.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { deliver } from '../../src/messages/delivery.ts';
import { emailAbout, notify, publish } from '../../src/messages/messages.ts';
import * as outbox from '../../src/messages/outbox.ts';
import { openMailServer, type MailServer } from '../support/mail-server.ts';
import { hire, openSite, textOf } from '../support/people.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const to = 'ana@example.com';
const from = 'Oneway <oneway@example.org>';

const world = useWorld();
let mail: MailServer;
let staging: App;
const variables = (url = mail.url) => ({
  SMTP_URL: url,
  MAIL_FROM: from,
  ENVIRONMENT_URLS: 'staging=https://oneway.example.org',
});
beforeEach(async () => {
  mail = await openMailServer(await freePort());
  staging = openApp(settingsOf(world.variables.staging, variables()));
});
afterEach(async () => {
  await mail.close();
  await staging.close();
});

const send = (here = staging, subject = 'Your database is ready') =>
  notify(here.sql, {
    event: 'staging-job.done',
    to,
    text: 'Your database “trial” is ready.',
    href: '/databases/7',
    email: emailAbout(here, subject),
  });
const lines = () => outbox.list(world.staging.sql, { channel: 'email', state: '', before: null });

test('the outbox page filters messages by channel, and the search indexer is a channel of its own', async () => {
  const site = await openSite(world, 'staging', variables());
  const vic = await site.as('vic');
  await send();
  for (const name of ['indexer', 'mobile-app']) {
    await publish(staging.sql, {
      event: 'staging-job.done',
      to: name,
      subject: `For ${name}`,
      payload: {},
    });
  }
  const subjects = async (channel: string) =>
    textOf((await vic.get(`/outbox?channel=${channel}`)).text).match(/For [a-z-]+|Your database/g);
  expect(await subjects('')).toEqual(['For mobile-app', 'For indexer', 'Your database']);
  expect(await subjects('indexer')).toEqual(['For indexer']);
  expect(await subjects('webhook')).toEqual(['For mobile-app']);
  expect(await subjects('email')).toEqual(['Your database']);
  const page = textOf((await vic.get('/outbox?channel=slack')).text);
  expect(page).toContain('Indexer notifications');
  expect(page).toContain('No notifications match.');
  await site.close();
});

test('an e-mail that the mail server refuses with 550 is given up at once, and administrators see the server’s answer', async () => {
  const site = await openSite(world, 'staging', variables());
  const ops = await site.as('ops');
  mail.behaviour.recipient = { code: 550, text: 'no such mailbox' };
  await send();
  await deliver(staging);
  expect(await lines()).toMatchObject([{ state: 'failed', attempts: 1 }]);
  expect(textOf((await ops.get('/messages')).text)).toContain('550 no such mailbox');
  const page = textOf((await ops.get('/outbox?channel=email&state=failed')).text);
  expect(page).toContain('Your database is ready');
  expect(page).toContain('550 no such mailbox');
  expect(page).not.toContain('/databases/7');
  mail.behaviour.recipient = null;
  const [line] = await lines();
  await ops.post(`/outbox/${line?.id}/retry`);
  expect(await deliver(staging)).toBe(1);
  await site.close();
});

test('an administrator can send a test e-mail from the outbox page, and a viewer cannot', async () => {
  const site = await openSite(world, 'staging', variables());
  const ops = await site.as('ops');
  const vic = await site.as('vic');
  expect((await vic.post('/outbox/test-email')).status).toBe(403);
  expect((await ops.post('/outbox/test-email')).status).toBe(303);
  await deliver(site.here);
  expect(mail.received).toMatchObject([
    { recipients: ['ops@example.com'], subject: 'Test e-mail from Oneway' },
  ]);
  await site.close();
});

test('administrators get an e-mail when a webhook message is given up', async () => {
  const here = openApp(
    settingsOf(world.variables.staging, {
      ...variables(),
      INDEXER_URL: `http://127.0.0.1:${await freePort()}/`,
      INDEXER_SECRET: 'a secret of the indexer, 32 characters',
    }),
  );
  await hire(here, 'ops');
  await run(
    here.sql,
    sql`insert into outbox (message_id, event, channel, recipient, subject, body, attempts, next_at, created_at)
        values ('m', 'rows.changed', 'webhook', 'indexer', 'Autumn texts', '{}', 14, utc_timestamp(3), utc_timestamp(3))`,
  );
  await deliver(here);
  expect(await select(here.sql, sql`select state from outbox where channel = 'webhook'`)).toEqual([
    { state: 'failed' },
  ]);
  await deliver(here);
  expect(mail.received).toMatchObject([
    { recipients: ['ops@example.com'], subject: 'The search indexer does not answer' },
  ]);
  await here.close();
});
