// Reads a person's messages in the other environments from their servers, and marks them as read there. Accounts with
// the same e-mail belong to the same person.
import { z } from 'zod';
import { forgetLastKnown, lastKnown } from '../database/last-known.ts';
import type { App } from '../environments/app.ts';
import {
  ask,
  askUnlessFailed,
  neighboursOf,
  type Answer,
  type Neighbour,
} from '../environments/neighbours.ts';
import type { Message } from './channels/in-app.ts';

const knownMessage = z.object({
  id: z.number().int().positive(),
  at: z.string(),
  text: z.string(),
  href: z.string().nullable(),
  isRead: z.boolean(),
});
/** A message as servers report it to each other. */
export type KnownMessage = z.infer<typeof knownMessage>;

export const known = ({ id, at, text, href, read_at: readAt }: Message): KnownMessage => ({
  id,
  at,
  text,
  href,
  isRead: readAt !== null,
});

const inbox = z.object({ messages: z.array(knownMessage) });
const count = z.object({ unread: z.number().int().nonnegative() });
const done = z.object({});

/** Lists a person's newest messages in each of the other environments. */
export const messagesElsewhere = (
  here: App,
  email: string,
): Promise<Answer<{ messages: KnownMessage[] }>[]> =>
  Promise.all(
    neighboursOf(here).map((one) =>
      askUnlessFailed(here, one, { path: '/bridge/messages', fields: { email }, schema: inbox }),
    ),
  );

/**
 * Counts a person's unread messages in each of the other environments. Waits at most `patience` milliseconds. For an
 * environment that has not answered by then, returns the last known count, or 0 if no count is known.
 */
export const unreadElsewhere = (here: App, email: string, patience: number) =>
  Promise.all(
    neighboursOf(here).map(async (of) => {
      const question = { path: '/bridge/messages/unread', fields: { email }, schema: count };
      const last = await lastKnown(here.sql, unreadOf(email, of), patience, () =>
        askUnlessFailed(here, of, question),
      );
      return { ...of, unread: last?.answer.known?.unread ?? 0 };
    }),
  );

const unreadOf = (email: string, { name }: Neighbour) => `unread messages of ${email} in ${name}`;

/** Marks a person's messages up to this id as read in another environment; returns why that failed, or null. */
export async function markReadElsewhere(
  here: App,
  of: Neighbour,
  { email, upTo }: { email: string; upTo: number },
): Promise<string | null> {
  const question = { path: '/bridge/messages/reading', fields: { email, upTo }, schema: done };
  const { unknown } = await ask(here, of, question);
  forgetLastKnown(here.sql, unreadOf(email, of));
  return unknown;
}
