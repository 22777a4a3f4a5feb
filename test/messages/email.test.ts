// E-mails are delivered once through a real SMTP server, even when the mail server or the sending process fails.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../bin/programs.ts';
import { run, sql, transaction } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import * as inApp from '../../src/messages/channels/in-app.ts';
import { timeouts } from '../../src/messages/channels/channel.ts';
import { deliver } from '../../src/messages/delivery.ts';
import { emailAbout, notify } from '../../src/messages/messages.ts';
import * as outbox from '../../src/messages/outbox.ts';
import * as people from '../../src/people/people.ts';
import { elsewhere } from '../support/killing.ts';
import { openMailServer, openSlowServer, type MailServer } from '../support/mail-server.ts';
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
  timeouts.attempt = 10_000;
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
const makeDue = () =>
  run(world.staging.sql, sql`update outbox set next_at = utc_timestamp(3) where state = 'pending'`);

test('an e-mail is delivered once, with its text, a link, and the Message-ID of its outbox message', async () => {
  await send();
  expect(await deliver(staging)).toBe(1);
  expect(await deliver(staging)).toBe(0);
  const [line] = await lines();
  expect(line).toMatchObject({ state: 'acknowledged', attempts: 1 });
  expect(line?.answer).toContain('250');
  expect(mail.received).toMatchObject([
    {
      subject: 'Your database is ready',
      from: { name: 'Oneway', address: 'oneway@example.org' },
      recipients: [to],
      messageId: `<${line?.message_id}@example.org>`,
    },
  ]);
  const [{ text } = {}] = mail.received;
  expect(text).toContain('Your database “trial” is ready.');
  expect(text).toContain('https://oneway.example.org/databases/7');
  expect(text).toContain('Oneway, Staging');
  expect(text).toContain(
    '“My staging database is ready”: https://oneway.example.org/account#emails',
  );
});

test('a message that is sent by e-mail also appears in the recipient’s inbox', async () => {
  await send();
  expect(await inApp.of(staging.sql, to)).toMatchObject([
    { event: 'staging-job.done', text: 'Your database “trial” is ready.', href: '/databases/7' },
  ]);
  expect(await inApp.unread(staging.sql, to)).toBe(1);
});

test('a transaction that is rolled back leaves neither an inbox message nor an e-mail', async () => {
  const failing = transaction(staging.sql, async (on) => {
    const email = emailAbout(staging, 'Never sent');
    await notify(on, { event: 'staging-job.done', to, text: 'Ready', href: null, email });
    throw new Error('the database was not made');
  });
  await expect(failing).rejects.toThrow('the database was not made');
  expect(await lines()).toEqual([]);
  expect(await inApp.unread(staging.sql, to)).toBe(0);
});

test('without a mail server in the settings, a message appears only in the inbox', async () => {
  await send(world.staging);
  expect(await inApp.unread(staging.sql, to)).toBe(1);
  expect(await lines()).toEqual([]);
});

test('an e-mail is delivered once although the mail server is down at first', async () => {
  await mail.close();
  await send();
  expect(await deliver(staging)).toBe(0);
  const [line] = await lines();
  expect(line).toMatchObject({ state: 'pending', attempts: 1 });
  expect(line?.answer).toContain('ECONNREFUSED');
  await mail.listen();
  await makeDue();
  expect(await deliver(staging)).toBe(1);
  expect(mail.received).toHaveLength(1);
});

test('an e-mail is retried after a temporary refusal of the mail server (451)', async () => {
  mail.behaviour.recipient = { code: 451, text: 'try again later' };
  await send();
  await deliver(staging);
  expect(await lines()).toMatchObject([
    { state: 'pending', attempts: 1, answer: expect.stringContaining('451 try again later') },
  ]);
  mail.behaviour.recipient = null;
  await makeDue();
  expect(await deliver(staging)).toBe(1);
  expect(mail.received).toHaveLength(1);
});

test('an e-mail that the mail server refuses does not delay the e-mails that are queued after it', async () => {
  mail.behaviour.recipient = { code: 550, text: 'no such mailbox' };
  for (let count = 0; count < 7; count += 1) await send();
  await deliver(staging);
  expect((await lines()).map(({ state }) => state)).toEqual(
    Array.from({ length: 7 }, () => 'failed'),
  );
});

test.each(['silent', 'slow'] as const)(
  'if the mail server is %s, sending an e-mail times out and is retried later',
  async (kind) => {
    timeouts.attempt = 1500;
    const server = await openSlowServer(kind, 600);
    const here = openApp(settingsOf(world.variables.staging, variables(server.url)));
    await send(here);
    const start = Date.now();
    expect(await deliver(here)).toBe(0);
    expect(Date.now() - start).toBeLessThan(3000);
    expect(await lines()).toMatchObject([
      { state: 'pending', attempts: 1, answer: 'No answer within 1.5 seconds' },
    ]);
    server.close();
    await here.close();
  },
);

test('a mail server that hangs blocks e-mail delivery for only one timeout, and does not delay other channels', async () => {
  timeouts.attempt = 1000;
  const server = await openSlowServer('silent', 0);
  const here = openApp(settingsOf(world.variables.staging, variables(server.url)));
  for (let count = 0; count < 20; count += 1) await send(here);
  const start = Date.now();
  await deliver(here);
  expect(Date.now() - start).toBeLessThan(2000);
  expect((await lines()).filter(({ attempts }) => attempts > 0)).toHaveLength(5);
  server.close();
  await here.close();
});

test('an e-mail is resent with the same Message-ID when the sending process is killed before it records the delivery', async () => {
  await send();
  const own = { ...world.variables.staging, ...variables() };
  const { child, ended } = elsewhere({ variables: own, task: { do: 'deliver' }, at: null });
  mail.behaviour.onMail = () => {
    child.kill('SIGKILL');
  };
  expect((await ended).signal).toBe('SIGKILL');
  expect(mail.received).toHaveLength(1);
  expect(await lines()).toMatchObject([{ state: 'pending', attempts: 1 }]);
  expect(await deliver(staging)).toBe(0);
  mail.behaviour.onMail = () => {};
  await makeDue();
  expect(await deliver(staging)).toBe(1);
  expect(await lines()).toMatchObject([{ state: 'acknowledged', attempts: 2 }]);
  const ids = mail.received.map(({ messageId }) => messageId);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
});

test('several processes that deliver at the same time send each e-mail once', async () => {
  await send();
  await Promise.all([deliver(staging), deliver(staging), deliver(staging)]);
  expect(mail.received).toHaveLength(1);
});

test.each([
  '\r\nBcc: eve@example.com',
  '\nBcc: eve@example.com\n\nHello',
  '\rBcc: eve@example.com',
])('a subject with a line break (%j) cannot add a mail header', async (injected) => {
  await send(staging, `Ready${injected}`);
  await deliver(staging);
  const [one] = mail.received;
  expect(one?.recipients).toEqual([to]);
  expect(one?.bcc).toBeUndefined();
  expect(one?.headers.map(({ key }) => key)).not.toContain('bcc');
  expect(one?.subject).toMatch(/^Ready Bcc: eve@example.com/);
  expect(one?.text).toContain('Your database “trial” is ready.');
});

test.each(['ana@example.com, eve@example.com', 'ana@example.com\r\nBcc: eve@example.com'])(
  'an e-mail address that contains a second address (%j) does not add a recipient',
  async (address) => {
    const email = emailAbout(staging, 'Ready');
    await notify(staging.sql, {
      event: 'staging-job.done',
      to: address,
      text: 'Ready',
      href: null,
      email,
    });
    await deliver(staging);
    expect(mail.received.flatMap(({ recipients }) => recipients)).not.toContain('eve@example.com');
  },
);

test('a person whose account is closed gets no e-mail, and gets e-mails again once the account is open again', async () => {
  const id = await people.add(staging, 'test', { name: 'Ana', email: to });
  await people.setActive(staging, 'test', id, false);
  await send();
  expect(await lines()).toEqual([]);
  await people.setActive(staging, 'test', id, true);
  await send();
  expect(await lines()).toMatchObject([{ recipient: to }]);
});
