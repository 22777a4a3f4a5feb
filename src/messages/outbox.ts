// The outbox holds messages to people and systems outside of Oneway, one for each recipient. A message is written in
// the transaction of the change that it reports, and sent until its recipient acknowledges it.
import * as audit from '../audit/audit.ts';
import { LINES, type PartOf } from '../database/newest-first.ts';
import {
  byPrimaryKey,
  first,
  run,
  select,
  sql,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict } from '../problems.ts';
import { isEmailedByDefault } from './kinds.ts';

const channels = ['email', 'webhook', 'slack', 'callback'] as const;
type Channel = (typeof channels)[number];

export type Line = {
  id: number;
  /** The id of the message, which is the same at every attempt, so that the receiver can recognise duplicates. */
  message_id: string;
  /** The name of the event, such as `rows.changed`. */
  event: string;
  channel: Channel;
  /**
   * An e-mail address, the name of a webhook or Slack channel in the settings, or the URL of a
   * callback.
   */
  recipient: string;
  subject: string;
  body: string;
  href: string | null;
  transfer: string | null;
  /** The id of the key that encrypted `body`; null for a text that is no secret. */
  encryption_key: string | null;
  /** The time after which the message is no longer sent; null for a message without such a limit. */
  ends_at: string | null;
  state: 'pending' | 'acknowledged' | 'failed';
  attempts: number;
  next_at: string;
  /** What the target answered to the last attempt. */
  answer: string | null;
  created_at: string;
  acknowledged_at: string | null;
};

export type NewLine = {
  messageId: string;
  event: string;
  channel: Channel;
  recipient: string;
  subject: string;
  body: string;
  href: string | null;
  transfer: string | null;
  encryptionKey?: string;
  endsAt?: string;
};

export const add = (on: Queryable, line: NewLine) =>
  run(
    on,
    sql`insert into outbox
          (message_id, event, channel, recipient, subject, body, href, transfer,
           encryption_key, ends_at, next_at, created_at)
        values
          (${line.messageId}, ${line.event}, ${line.channel}, ${line.recipient},
           ${line.subject.slice(0, 200)}, ${line.body}, ${line.href}, ${line.transfer},
           ${line.encryptionKey ?? null}, ${line.endsAt ?? null}, utc_timestamp(3), utc_timestamp(3))`,
  );

/**
 * Adds an e-mail, unless its recipient has switched off e-mails of this kind or has a closed account. If an e-mail with
 * the same message id is in the outbox and was not tried yet, only its text is replaced. `waits`: for how many seconds
 * the e-mail is held back before the first attempt.
 */
export const addEmail = (on: Queryable, line: NewLine, { waits = 0 } = {}) =>
  run(
    on,
    sql`insert into outbox
          (message_id, event, channel, recipient, subject, body, href, transfer, next_at, created_at)
        select ${line.messageId}, ${line.event}, 'email', ${line.recipient},
               ${line.subject.slice(0, 200)}, ${line.body}, ${line.href}, ${line.transfer},
               utc_timestamp(3) + interval ${waits} second, utc_timestamp(3)
          from dual
         where coalesce((select e.is_on from email_switch e join person p on p.id = e.person_id
                          where p.email = ${line.recipient} and e.kind = ${line.event}),
                        ${isEmailedByDefault(line.event)})
           and not exists (select 1 from person
                            where email = ${line.recipient} and not active)
        on duplicate key update
          body = if(outbox.state = 'pending' and outbox.attempts = 0, values(body), outbox.body)`,
  );

/**
 * Adds an e-mail for everyone with a permission in this environment, except the people `except` and those who have
 * switched off e-mails of this kind.
 */
export const addForHolders = (
  on: Queryable,
  { permission, except }: { permission: string; except: string[] },
  line: Omit<NewLine, 'recipient' | 'messageId'>,
) =>
  run(
    on,
    sql`insert into outbox
          (message_id, event, channel, recipient, subject, body, href, transfer, next_at, created_at)
        select uuid(), ${line.event}, ${line.channel}, person.email,
               ${line.subject.slice(0, 200)}, ${line.body}, ${line.href}, ${line.transfer},
               utc_timestamp(3), utc_timestamp(3)
          from person join permission on permission.person_id = person.id
          left join email_switch chosen on chosen.person_id = person.id and chosen.kind = ${line.event}
         where permission.name = ${permission} and person.active and person.email not in (${except})
           and coalesce(chosen.is_on, ${isEmailedByDefault(line.event)})`,
  );

/** Which outbox messages to list. `channel` may also be `indexer`, which selects the webhook of the search indexer. */
export type Filter = PartOf & { channel: string; state: string };

export const list = (on: Queryable, { channel, state, before = null, limit = LINES }: Filter) =>
  select<Line>(
    on,
    sql`select * from outbox
         where (${state} = '' or state = ${state}) and (${before} is null or id < ${before})
           and (${channel} = '' or ${channel} =
                if(channel = 'webhook' and recipient = 'indexer', 'indexer', channel))
         order by id desc limit ${limit}`,
  );

export const byMessageId = (on: Queryable, id: string) =>
  first<Line>(on, sql`select * from outbox where message_id = ${id}`);

/**
 * Where outbox messages are sent. All e-mails have the same target, the mail server, and a null
 * recipient.
 */
export type Target = { channel: Channel; recipient: string | null };

/** Lists the outbox messages that must be sent now to one target (such as a webhook), oldest first. */
export const due = (on: Queryable, { channel, recipient }: Target) =>
  select<Line>(
    on,
    sql`select * from outbox
         where state = 'pending' and next_at <= utc_timestamp(3)
           and channel = ${channel} and (${recipient} is null or recipient = ${recipient})
         order by id limit 50`,
  );

/**
 * Reserves an outbox message for `seconds`, during which no other process sends it. Returns false
 * when another process reserved the message first.
 */
export async function claim(on: Queryable, { id, attempts }: Line, seconds: number) {
  const found = await run(
    on,
    sql`update ${byPrimaryKey('outbox')} set attempts = attempts + 1, next_at = utc_timestamp(3) + interval ${seconds} second
         where id = ${id} and attempts = ${attempts} and state = 'pending'`,
  );
  return found === 1;
}

/** A secret text is removed as soon as it is not needed any more. */
const bodyToKeep = sql`if(encryption_key is null, body, '')`;

/**
 * Marks the unsent e-mails to a recipient that contain a secret, such as a password link, as failed, so that they are
 * never sent. `event`: only e-mails with this event name; without it, all of them.
 */
export const failSecrets = (
  on: Queryable,
  { recipient, event = '' }: { recipient: string; event?: string },
  answer: string,
) =>
  run(
    on,
    sql`update outbox set answer = ${answer}, state = 'failed', body = ''
         where recipient = ${recipient} and state = 'pending' and encryption_key is not null
           and (${event} = '' or event = ${event})`,
  );

export const acknowledge = (on: Queryable, { id }: Line, answer: string) =>
  run(
    on,
    sql`update ${byPrimaryKey('outbox')}
           set state = 'acknowledged', acknowledged_at = utc_timestamp(3), answer = ${answer.slice(0, 500)},
               body = ${bodyToKeep}
         where id = ${id}`,
  );

/** Records the answer to a failed attempt. The outbox message is sent again after `seconds`. */
export const postpone = (on: Queryable, { id }: Line, answer: string, seconds: number) =>
  run(
    on,
    sql`update ${byPrimaryKey('outbox')}
           set answer = ${answer.slice(0, 500)}, next_at = utc_timestamp(3) + interval ${seconds} second
         where id = ${id} and state = 'pending'`,
  );

/**
 * Gives up an outbox message, so that it is not sent any more; returns whether the message was
 * still pending.
 */
export async function fail(on: Queryable, { id }: Line, answer: string) {
  const found = await run(
    on,
    sql`update ${byPrimaryKey('outbox')} set answer = ${answer.slice(0, 500)}, state = 'failed', body = ${bodyToKeep}
         where id = ${id} and state = 'pending'`,
  );
  return found === 1;
}

/**
 * Lets an outbox message be sent again, with its attempts counted from zero; returns whether the
 * message exists.
 */
export async function retry(here: Environment, id: number, person: string): Promise<boolean> {
  return transaction(here.sql, async (on) => {
    const line = await first<Line>(on, sql`select * from outbox where id = ${id}`);
    if (!line) return false;
    if (line.encryption_key !== null) {
      throw new Conflict('A link is not sent twice. Make a new one on the page of the person.');
    }
    await run(
      on,
      sql`update ${byPrimaryKey('outbox')} set state = 'pending', attempts = 0, next_at = utc_timestamp(3) where id = ${id}`,
    );
    await audit.write(on, { person, action: 'retried a notification', subject: line.subject });
    return true;
  });
}

/** Deletes outbox messages that were acknowledged more than 30 days ago. */
export const purgeExpired = ({ sql: on }: Environment) =>
  run(
    on,
    sql`delete from outbox
         where state = 'acknowledged' and acknowledged_at < utc_timestamp(3) - interval 30 day`,
  );
