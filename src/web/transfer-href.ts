import type { App } from '../environments/app.ts';
import type { EnvironmentName } from '../environments/rules.ts';
import { isSent, type TransferKind } from '../state/transfer-kinds.ts';

/** The fields of a history entry that name the transfer which wrote the entry. */
type Written = { transfer: string; kind: string; origin: string };

/** Returns the URL of the page of a transfer of this environment; null for a save or refresh, which has no such page. */
export const ownTransferHref = ({ kind, number }: { kind: string; number: number }) =>
  isSent({ kind: kind as TransferKind }) ? `/transfers/${number}` : null;

/**
 * Returns the URL of the page of a transfer, where it can be undone, in the environment that sent it. Returns null for
 * a save or refresh, which has no such page, and if the URL of that environment is not set.
 */
export function transferHref(
  { name, settings }: Pick<App, 'name' | 'settings'>,
  { transfer, kind, origin }: Written,
): string | null {
  if (!isSent({ kind: kind as TransferKind })) return null;
  // A restore or takeover is recorded in the environment that received the rows.
  const sender = kind === 'restore' ? name : (origin as EnvironmentName);
  const url = sender === name ? '' : settings.urls[sender];
  return url === undefined ? null : `${url}/transfers/of/${transfer}`;
}
