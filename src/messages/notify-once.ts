// Notifies a person of a change to rows that the person has sent or was the last to change. One cause, such as one
// transfer, gives a person only one message, even if it changes many rows.
import { v5 as uuidFrom } from 'uuid';
import type { Queryable } from '../database/sql.ts';
import { addAboutRows, NAMED, type MessageRows } from './channels/in-app.ts';
import type { MessageEvent } from './kinds.ts';
import * as outbox from './outbox.ts';

export type RowNews = {
  event: MessageEvent;
  to: string;
  /** The person who changed the rows, and is therefore not notified; null if everyone is to be notified. */
  by: string | null;
  /** What caused the message, such as the id of a transfer. */
  cause: string;
  rows: MessageRows;
  /** Composes the text. `named`: the rows, such as `“Quiz”, “Poll” and 12 more`. */
  text: (named: string, rows: MessageRows) => string;
  href: string | null;
  subject: string;
  /** For how many seconds an e-mail waits, because more rows may be added to the message. */
  emailWaits?: number;
};

/**
 * The namespace for the UUIDs of e-mails. The same event, recipient and cause (such as one refresh) give the same UUID,
 * so a refresh that reports rows several times adds them all to one e-mail.
 */
const EMAILS = '8f4d6a34-7d0e-4a57-9a5e-2b7f1c0f6d11';

/**
 * Notifies a person. Returns false if the person is not notified, because the person changed the rows or has no open
 * account in this environment.
 */
export async function notifyOnce(
  on: Queryable,
  { sendsMail }: { sendsMail: boolean },
  { event, to, by, cause, rows, text, href, subject, emailWaits = 0 }: RowNews,
): Promise<boolean> {
  if (to === by) return false;
  const textOf = (all: MessageRows) => text(namedRows(all), all);
  const body = await addAboutRows(on, to, { event, href, cause, rows, textOf });
  if (body === null) return false;
  if (sendsMail) {
    const messageId = await unsentEmail(on, `${event} ${to} ${cause}`);
    const head = { messageId, event, channel: 'email' as const, recipient: to, transfer: null };
    await outbox.addEmail(on, { ...head, subject, body, href }, { waits: emailWaits });
  }
  return true;
}

/**
 * Returns the id of the e-mail of a message. If rows were added to the message after its e-mail was sent, they are sent
 * in another e-mail.
 */
async function unsentEmail(on: Queryable, about: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const id = uuidFrom(`${about} ${number}`, EMAILS);
    const line = await outbox.byMessageId(on, id);
    if (!line || (line.state === 'pending' && line.attempts === 0)) return id;
  }
}

/** The longest title of a row in a message, in UTF-16 units. */
const TITLE = 80;

/** Names the first rows, and counts the others: `“Quiz”, “Poll”, “Tour” and 497 more`. */
export function namedRows({ count, titles }: MessageRows): string {
  const named = titles.slice(0, NAMED).map((title) => `“${shortened(title)}”`);
  const others = count - named.length;
  if (others > 0) return `${named.join(', ')} and ${others} more`;
  return named.length < 2 ? named.join('') : `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`;
}

const shortened = (title: string) =>
  title.length > TITLE ? `${[...title].slice(0, TITLE - 1).join('')}…` : title;
