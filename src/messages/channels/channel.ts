// What all channels of the outbox (e-mail, webhook, Slack …) have in common: each sends one line of the outbox, which
// is a message for one recipient, and returns the answer.
import type { Line } from '../outbox.ts';

/**
 * The outcome of an attempt to send a line of the outbox. `retry`: the other side did not acknowledge it. `refused`:
 * the other side never will, so the line is given up.
 */
export type Reply = { outcome: 'acknowledged' | 'retry' | 'refused'; answer: string };

export type Send = (line: Line) => Promise<Reply>;

/** The environment that sends; `url` is its own address, for links. */
export type Sender = { label: string; url: string | null };

/** How many milliseconds one attempt may take. Tests shorten it. */
export const timeouts = { attempt: 10_000 };

/**
 * A path such as `/transfers/12` as a link that works outside of this server; null when the server’s own address is
 * not set.
 */
export function absolute({ url }: Sender, href: string | null): string | null {
  if (href === null || /^https?:/.test(href)) return href;
  return url && `${url}${href}`;
}
