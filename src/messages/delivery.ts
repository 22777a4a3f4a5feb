// Sends each outbox message until its recipient acknowledges it or Oneway gives it up.
import { first, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { knownZone, timesIn } from '../zoned-text.ts';
import { rulesOf } from '../environments/rules.ts';
import { timeouts, type Reply, type Send } from './channels/channel.ts';
import { callback } from './channels/callback.ts';
import { email } from './channels/email.ts';
import { slack } from './channels/slack.ts';
import { webhook } from './channels/webhook.ts';
import { emailAbout, notifyHolders } from './messages.ts';
import * as outbox from './outbox.ts';
import { opened } from './secret-email.ts';

/**
 * After how many attempts an outbox message is given up. The delays between attempts are 5 s, 10 s,
 * 20 s … up to an hour: about five and a half hours in all.
 */
const ATTEMPTS = 15;
export const backoff = (attempts: number) => Math.min(5 * 2 ** (attempts - 1), 3600);

/** How many messages are sent at the same time to one target (a webhook, a Slack channel, or the mail server). */
const PARALLEL = 5;

type Target = outbox.Target & { send: Send };

/**
 * Sends all outbox messages that are due; returns how many were acknowledged. Several processes may
 * call this at the same time.
 */
export async function deliver(here: App): Promise<number> {
  const counts = await Promise.all(targetsOf(here).map((target) => deliverTo(here, target)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * Lists the targets (webhooks, Slack channels, the mail server) in the settings. Messages for a target that is not in
 * the settings stay in the table `outbox`.
 */
function targetsOf({ settings, name }: App): Target[] {
  const { mail, webhooks, slack: chats } = settings.messages;
  const sender = { label: rulesOf(name).label, url: settings.urls[name] ?? null };
  const targets: Target[] = [];
  for (const [recipient, at] of Object.entries(webhooks)) {
    targets.push({ channel: 'webhook', recipient, send: webhook(at) });
  }
  for (const [recipient, url] of Object.entries(chats)) {
    targets.push({ channel: 'slack', recipient, send: slack(url, sender) });
  }
  targets.push({ channel: 'callback', recipient: null, send: callback });
  if (mail) targets.push({ channel: 'email', recipient: null, send: email(mail, sender) });
  return targets;
}

async function deliverTo(here: App, target: Target): Promise<number> {
  const lines = await outbox.due(here.sql, target);
  let acknowledged = 0;
  // After a failure, the remaining messages for this target wait until `deliver` runs again: a target that hangs must
  // not delay the delivery to other targets.
  let isDown = false;
  const sender = async () => {
    while (!isDown && !here.halt.signal.aborted) {
      const line = lines.shift();
      if (!line) return;
      const outcome = await attempt(here, target, line);
      if (outcome === 'acknowledged') acknowledged += 1;
      if (outcome === 'retry') isDown = true;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, sender));
  return acknowledged;
}

async function attempt(here: App, { send }: Target, line: outbox.Line) {
  // The message is reserved for longer than an attempt may take, so that no other process sends it
  // meanwhile.
  const isOurs = await outbox.claim(here.sql, line, (2 * timeouts.attempt) / 1000);
  if (!isOurs) return null;
  const tried = { ...line, attempts: line.attempts + 1 };
  const { line: sent, obstacle } = opened(here, line);
  if (sent === null) {
    const { message_id: message, event } = line;
    here.log.warn({ message, event }, obstacle);
    await outbox.fail(here.sql, line, obstacle);
    return null;
  }
  const reply = await send(await inZoneOfRecipient(here, sent));
  await record(here, tried, reply);
  return reply.outcome;
}

/** Returns an e-mail with its times in the time zone of its recipient; returns any other message unchanged. */
async function inZoneOfRecipient({ sql: on }: App, line: outbox.Line): Promise<outbox.Line> {
  if (line.channel !== 'email') return line;
  const person = await first<{ zone: string | null }>(
    on,
    sql`select time_zone as zone from person where email = ${line.recipient}`,
  );
  const zone = knownZone(person?.zone ?? null);
  return zone === null ? line : { ...line, body: timesIn(zone, line.body) };
}

async function record(here: App, line: outbox.Line, { outcome, answer }: Reply) {
  if (outcome === 'acknowledged') {
    await outbox.acknowledge(here.sql, line, answer);
    return;
  }
  const { message_id: message, event, channel, attempts } = line;
  // The target’s answer is not logged, because it may quote an address.
  here.log.warn({ message, event, channel, attempts, outcome }, 'a message was not acknowledged');
  if (outcome === 'refused' || attempts >= ATTEMPTS) {
    await giveUp(here, line, { outcome, answer });
  } else {
    await outbox.postpone(here.sql, line, answer, backoff(attempts));
  }
}

const giveUp = (here: App, line: outbox.Line, { outcome, answer }: Reply) =>
  transaction(here.sql, async (on) => {
    if (!(await outbox.fail(on, line, answer))) return;
    const subject = `“${line.subject}”`;
    const whom = receiverOf(line);
    await notifyHolders(on, {
      event: 'message.failed',
      permission: 'administrator',
      except: '',
      text:
        outcome === 'refused'
          ? `${whom} refused ${subject} to ${line.recipient}: ${answer}`
          : `${whom} did not acknowledge ${subject} after ${line.attempts} attempts. ${line.encryption_key === null ? 'Retry it' : 'Make a new link'} when it is back.`,
      href: '/outbox?state=failed',
      // Administrators read about a failed e-mail in their inbox only, because another e-mail would
      // fail as well.
      email: line.channel === 'email' ? null : emailAbout(here, `${whom} does not answer`),
    });
  });

function receiverOf({ channel, recipient }: outbox.Line): string {
  if (channel === 'email') return 'The mail server';
  if (channel === 'callback') return recipient;
  if (channel === 'slack') return `Slack (${recipient})`;
  return recipient === 'indexer' ? 'The search indexer' : `The webhook ${recipient}`;
}
