// Logs and counts every refused sign-in and key, so that operators notice an attack.
import { createHmac } from 'node:crypto';
import type { App } from '../environments/app.ts';

export const refusalKinds = ['sign-in', 'api-key', 'account-token', 'hawk-key', 'bridge'] as const;
export type RefusalKind = (typeof refusalKinds)[number];

const counts = new WeakMap<App, Map<RefusalKind, number>>();

/** How many sign-ins and keys were refused since this process started, by kind, for the metrics. */
export const refusalCounts = (here: App): ReadonlyMap<RefusalKind, number> =>
  counts.get(here) ?? new Map();

export function noteRefusal(
  here: App,
  kind: RefusalKind,
  line: { address: string; reason: string; email?: string },
) {
  const own = counts.get(here) ?? new Map<RefusalKind, number>();
  counts.set(here, own.set(kind, (own.get(kind) ?? 0) + 1));
  here.log.warn(line, `${kind} refused`);
}

/** Hashes an e-mail for the log, so that repeated attempts for one e-mail can be recognised without revealing it. */
export const hashedEmail = ({ settings }: App, email: string): string =>
  createHmac('sha256', settings.session.secret)
    .update(`refused e-mail\n${email}`)
    .digest('hex')
    .slice(0, 16);
