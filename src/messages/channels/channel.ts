// What every channel of the outbox has in common: it sends one line, and returns the answer.
import type { Line } from '../outbox.ts';

/** `retry`: the other side did not acknowledge it. `refused`: it never will, so trying again is useless. */
export type Reply = { outcome: 'acknowledged' | 'retry' | 'refused'; answer: string };

export type Send = (line: Line) => Promise<Reply>;

/** The environment that sends; `url` is its own address, for links. */
export type Sender = { label: string; url: string | null };

/** How long one attempt may take. Tests make it short. */
export const timeouts = { attempt: 10_000 };

/** `/transfers/12` as a link that works outside of this server; null when its address is not known. */
export function absolute({ url }: Sender, href: string | null): string | null {
  if (href === null || /^https?:/.test(href)) return href;
  return url && `${url}${href}`;
}
