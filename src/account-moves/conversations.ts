// Asks the older system, Conversations: whether it knows an account, and for its brands and channels.
import type { MoveSettings } from './settings.ts';

export type AccountThere = { name: string; messages: number | null };

/**
 * The account in the older system; null when it is unknown there.
 * @throws Unavailable when there is no answer within 3 seconds
 */
export async function accountThere(
  _moves: MoveSettings,
  _externalId: string,
): Promise<AccountThere | null> {
  throw new Error('to do');
}

/**
 * The brands and channels of an account, decrypted by the older system; their records are not checked.
 * @throws NotFound when the account is unknown there, Unavailable when there is no answer
 */
export async function channelsThere(
  _moves: MoveSettings,
  _externalId: string,
): Promise<{ brands: unknown[]; channels: unknown[] }> {
  throw new Error('to do');
}
