// Oneway sends messages to the webhooks and Slack channels that its settings name.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { signatureOf } from '../../src/messages/channels/webhook.ts';
import { backoff, deliver } from '../../src/messages/delivery.ts';
import { endpointsFrom, wrongEndpoints } from '../../src/messages/endpoints.ts';
import { publish, publishToSlack } from '../../src/messages/messages.ts';
import * as outbox from '../../src/messages/outbox.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const secret = 'a secret of the mobile app, 32 characters';

describe('the settings that name webhooks and Slack channels', () => {
  test('webhooks and Slack channels are optional in the settings', () => {
    expect(endpointsFrom({})).toEqual({ mail: null, webhooks: {}, slack: {} });
    expect(wrongEndpoints({ SMTP_URL: '', INDEXER_URL: '', SLACK_ONCALL_URL: '' })).toEqual([]);
  });

  test('each webhook and Slack channel is read from the settings under its name', () => {
    const variables = {
      WEBHOOK_MOBILE_APP_URL: 'https://app.example.com/in?key=1,2',
      WEBHOOK_MOBILE_APP_SECRET: secret,
      INDEXER_URL: 'http://indexer.example.com',
      INDEXER_SECRET: secret,
      SLACK_ONCALL_URL: 'https://hooks.slack.example/T1',
    };
    expect(wrongEndpoints(variables)).toEqual([]);
    expect(endpointsFrom(variables)).toEqual({
      mail: null,
      webhooks: {
        'mobile-app': { url: 'https://app.example.com/in?key=1,2', secret },
        indexer: { url: 'http://indexer.example.com', secret },
      },
      slack: { oncall: 'https://hooks.slack.example/T1' },
    });
  });

  test.each([
    [{ SMTP_URL: 'smtp://localhost' }, 'SMTP_URL and MAIL_FROM'],
    [{ MAIL_FROM: 'a@example.com' }, 'SMTP_URL and MAIL_FROM'],
    [{ WEBHOOK_CRM_URL: 'https://crm.example.com' }, 'WEBHOOK_CRM_SECRET'],
    [{ WEBHOOK_CRM_SECRET: secret }, 'WEBHOOK_CRM_URL'],
    [{ WEBHOOK_CRM_URL: 'crm', WEBHOOK_CRM_SECRET: secret }, 'WEBHOOK_CRM_URL'],
    [{ WEBHOOK_INDEXER_URL: 'https://x.example', WEBHOOK_INDEXER_SECRET: secret }, 'INDEXER_URL'],
    [{ SLACK_ONCALL_URL: 'hooks.slack.example/T1' }, 'SLACK_ONCALL_URL'],
  ])('wrong settings of webhooks and Slack (%j) are refused', (variables, complaint) => {
    expect(wrongEndpoints(variables).join('\n')).toContain(complaint);
  });

  test('the error about a wrong Slack URL in the settings does not repeat the URL, because it is a secret', () => {
    const wrong = wrongEndpoints({ SLACK_ONCALL_URL: 'hooks.slack.example/T1' });
    expect(wrong.join('\n')).not.toContain('T1');
  });
});

test('the delays between attempts to send a message double from 5 seconds to at most an hour', () => {
  expect([1, 2, 3, 10, 11, 14].map(backoff)).toEqual([5, 10, 20, 2560, 3600, 3600]);
});

describe('delivery of webhooks and Slack messages', () => {
  const world = useWorld();
  let staging: App;
  let app: Receiver;
  let chat: Receiver;
  beforeEach(async () => {
    app = await openReceiver();
    chat = await openReceiver();
    staging = openApp(
      settingsOf(world.variables.staging, {
        WEBHOOK_MOBILE_APP_URL: app.url,
        WEBHOOK_MOBILE_APP_SECRET: secret,
        SLACK_ONCALL_URL: chat.url,
        ENVIRONMENT_URLS: 'staging=https://oneway.example.org',
      }),
    );
  });
  afterEach(async () => {
    app.close();
    chat.close();
    await staging.close();
  });

  const publishOne = (to = 'mobile-app') =>
    publish(staging.sql, {
      event: 'texts.published',
      to,
      subject: 'Autumn texts',
      payload: { texts: [7, 8] },
    });
  const post = (text: string, href: string | null) =>
    publishToSlack(staging.sql, { event: 'transfer.needs-attention', to: 'oncall', text, href });
  const lines = () => outbox.list(staging.sql, { channel: '', state: '', before: null });

  test('each webhook is signed with its own secret, in the same format as the search indexer’s webhook', async () => {
    await publishOne();
    expect(await deliver(staging)).toBe(1);
    const [{ headers, body } = { headers: {}, body: '' }] = app.received;
    const { event, at, ...rest } = JSON.parse(body) as Record<string, unknown>;
    expect(rest).toEqual({ type: 'texts.published', texts: [7, 8] });
    expect(headers['oneway-event']).toBe(event);
    expect(new Date(String(at)).getTime()).toBeGreaterThan(Date.now() - 60_000);
    const signature = String(headers['oneway-signature']);
    const time = Number(/t=(\d+)/.exec(signature)?.[1]) * 1000;
    expect(signature).toBe(signatureOf(secret, body, time));
  });

  test('a Slack message is {"text": …} with a link, and names such as <!channel> in its text notify nobody', async () => {
    await post('<!channel> Forms & tasks need attention', '/transfers/12');
    expect(await deliver(staging)).toBe(1);
    expect(chat.received.map(({ body }) => JSON.parse(body) as object)).toEqual([
      {
        text: '&lt;!channel&gt; Forms &amp; tasks need attention <https://oneway.example.org/transfers/12|Open>',
      },
    ]);
    expect(chat.received[0]?.headers['oneway-signature']).toBeUndefined();
  });

  test('a Slack message is retried after an error, like a webhook', async () => {
    chat.answers.push(500, 200);
    await post('Ready', null);
    expect(await deliver(staging)).toBe(0);
    await run(staging.sql, sql`update outbox set next_at = utc_timestamp(3)`);
    expect(await deliver(staging)).toBe(1);
    expect(chat.received.map(({ body }) => body)).toEqual(['{"text":"Ready"}', '{"text":"Ready"}']);
  });

  test('messages for a webhook that is missing from the settings stay pending and do not delay messages for other webhooks', async () => {
    for (let count = 0; count < 60; count += 1) await publishOne('former-app');
    await publishOne();
    expect(await deliver(staging)).toBe(1);
    expect(
      await outbox.list(staging.sql, { channel: '', state: 'acknowledged', before: null }),
    ).toMatchObject([{ recipient: 'mobile-app' }]);
    expect((await lines()).filter(({ attempts }) => attempts > 0)).toHaveLength(1);
  });

  test('the outbox can be listed by channel and by state', async () => {
    await publishOne();
    await post('Ready', null);
    await publishOne('indexer');
    const recipients = async (channel: string, state = '') =>
      (await outbox.list(staging.sql, { channel, state, before: null })).map(
        ({ recipient }) => recipient,
      );
    expect(await recipients('indexer')).toEqual(['indexer']);
    expect(await recipients('webhook')).toEqual(['mobile-app']);
    expect(await recipients('slack')).toEqual(['oncall']);
    await deliver(staging);
    expect(await recipients('', 'pending')).toEqual(['indexer']);
  });
});
