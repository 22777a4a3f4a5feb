// Notifies people and other systems, such as the search indexer. A message is written in the database transaction of
// the change that it reports, so that it exists if and only if the change does.
import { v7 as uuid } from 'uuid';
import type { Queryable } from '../database/sql.ts';
import * as inApp from './channels/in-app.ts';
import type { MessageEvent } from './kinds.ts';
import * as outbox from './outbox.ts';

/**
 * The e-mail that is sent in addition to a message in the app. `messageId`: the id by which the caller finds the e-mail
 * in the outbox.
 */
type Email = { subject: string; messageId?: string };

export type News = {
  /** The kind of the message, such as `transfer.needs-attention`. */
  event: MessageEvent | 'email.test';
  text: string;
  href: string | null;
  /**
   * The e-mail that is sent in addition to the message in the inbox, made by emailAbout(); null or missing if no e-mail
   * is sent.
   */
  email?: Email | null;
};

/** Notifies a person in their inbox, and by e-mail if `email` is given. */
export async function notify(on: Queryable, { to, ...news }: News & { to: string }) {
  await inApp.add(on, to, news);
  if (news.email) await outbox.addEmail(on, mailLine(news, news.email, to));
}

/**
 * Notifies everyone with a permission in this environment. `except`: one or several people who are not notified, such
 * as the person who acted.
 */
export async function notifyHolders(
  on: Queryable,
  { permission, except, ...news }: News & { permission: string; except: string | string[] },
) {
  const holders = { permission, except: [except].flat() };
  await inApp.addForHolders(on, holders, news);
  if (news.email) {
    await outbox.addForHolders(on, holders, mailLine(news, news.email, ''));
  }
}

/** Returns the e-mail with this subject that is sent in addition to a message; null if no mail server is set. */
export const emailAbout = ({ sendsMail }: { sendsMail: boolean }, subject: string): Email | null =>
  sendsMail ? { subject } : null;

const mailLine = (
  { event, text, href }: News,
  { subject, messageId = uuid() }: Email,
  to: string,
): outbox.NewLine => ({
  messageId,
  event,
  channel: 'email',
  recipient: to,
  subject,
  body: text,
  href,
  transfer: null,
});

export type Publication = {
  event: string;
  /** The target of the message: the name of a webhook in the settings, such as `indexer`. */
  to: string;
  /** The label of the webhook on the page Notifications. */
  subject: string;
  payload: object;
  transfer?: string | null;
};

/** Notifies another system through a signed webhook. */
export const publish = (
  on: Queryable,
  { event, to, subject, payload, transfer = null }: Publication,
) => {
  const messageId = uuid();
  const head = { event: messageId, type: event, at: new Date().toISOString() };
  return outbox.add(on, {
    messageId,
    event,
    channel: 'webhook',
    recipient: to,
    subject,
    body: JSON.stringify({ ...head, ...payload }),
    href: null,
    transfer,
  });
};

/** Posts a message into a Slack channel; `to` is the name of a Slack webhook in the settings. */
export const publishToSlack = (
  on: Queryable,
  { event, to, text, href }: { event: string; to: string; text: string; href: string | null },
) =>
  outbox.add(on, {
    messageId: uuid(),
    event,
    channel: 'slack',
    recipient: to,
    subject: text,
    body: text,
    href,
    transfer: null,
  });
