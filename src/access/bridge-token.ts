// Checks the tokens with which other servers of Oneway call this one, and counts wrong ones by the address of the sender.
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { noteRefusal } from './refusals.ts';
import { hashOf, isSameHash } from './secrets.ts';
import { addressOf, countAttempt, openThrottle } from './throttle.ts';

/** How many wrong tokens and keys an IP address may send within 15 minutes. */
const WRONG_ATTEMPTS = 20;

/**
 * Whether a given token is one of the valid tokens. The given token is compared with every valid
 * token, even after a match, so that the response time reveals nothing about the tokens.
 */
export const isOneOf = (tokens: readonly string[], given: unknown): boolean =>
  tokens.map((token) => isSameHash(hashOf(token), hashOf(String(given)))).includes(true);

/**
 * Logs and counts a wrong token.
 * @throws Problem 429 when an address has sent too many
 */
export async function countWrongToken(
  { here, redis, ip = '' }: { here: App; redis: Redis; ip?: string | undefined },
  reason: string,
) {
  noteRefusal(here, 'bridge', { address: ip, reason });
  const wrong = openThrottle(here, redis, { counts: 'bridge', attempts: WRONG_ATTEMPTS });
  await countAttempt(wrong, addressOf({ ip }));
}
