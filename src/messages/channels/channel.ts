// What all channels (e-mail, webhook, Slack …) have in common. The table `outbox` holds the messages to send; a channel
// sends one of them to one recipient and returns the answer.
import type { Line } from '../outbox.ts';

/**
 * The outcome of an attempt to send a message. `retry`: the recipient did not acknowledge the message, so it is sent
 * again. `refused`: the recipient will never accept the message, so it is not sent again.
 */
export type Reply = { outcome: 'acknowledged' | 'retry' | 'refused'; answer: string };

export type Send = (line: Line) => Promise<Reply>;

/**
 * The environment that sends a message; `url` is that environment’s own URL, for links in messages.
 */
export type Sender = { label: string; url: string | null };

/** How many milliseconds one attempt to send a message may take. Tests shorten this time. */
export const timeouts = { attempt: 10_000 };

/**
 * Turns a path such as `/transfers/12` into a link that works in an e-mail or a chat; returns null
 * when this server’s own URL is not set.
 */
export function absolute({ url }: Sender, href: string | null): string | null {
  if (href === null || /^https?:/.test(href)) return href;
  return url && `${url}${href}`;
}
