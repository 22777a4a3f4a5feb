// Checks the tokens with which other servers of Oneway call this one, and counts wrong ones by the address of the sender.
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { Problem } from '../problems.ts';
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

type Caller = { here: App; redis: Redis; ip?: string | undefined };

/**
 * Checks the token that the servers of all environments share (PEOPLE_TOKEN).
 * @throws Problem 401 when it is wrong, 429 when an address has sent too many wrong tokens
 */
export async function requireSharedToken(caller: Caller, token: string) {
  const { settings, rules } = caller.here;
  if (isOneOf(settings.peopleTokens, token)) return;
  await countWrongToken(caller, 'wrong people token');
  throw new Problem(401, `The token is not a PEOPLE_TOKEN of ${rules.inText}.`);
}

/**
 * Logs and counts a wrong token.
 * @throws Problem 429 when an address has sent too many
 */
export async function countWrongToken({ here, redis, ip = '' }: Caller, reason: string) {
  noteRefusal(here, 'bridge', { address: ip, reason });
  const wrong = openThrottle(here, redis, { counts: 'bridge', attempts: WRONG_ATTEMPTS });
  await countAttempt(wrong, addressOf({ ip }));
}
