// Stores the nonces of signed requests in Redis, so that an attacker cannot replay a recorded request.
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { Unavailable } from '../problems.ts';

/**
 * A nonce is stored for this many seconds. That is longer than a signed request stays valid, even
 * if the clock of the client differs from the clock of the server.
 */
const REMEMBERED_S = 180;

/**
 * Stores a nonce of a key; returns whether the nonce was new. `key` is the id of the key in the
 * database, not the id in the request: MySQL ignores blanks after an id, so an added blank would
 * make a replayed request look new.
 */
export async function isNewNonce(
  { name, rules }: App,
  redis: Redis,
  { key, nonce }: { key: number; nonce: string },
): Promise<boolean> {
  const entry = `oneway:${name}:nonce:${key}:${nonce}`;
  const options = { NX: true, EX: REMEMBERED_S } as const;
  const stored = await redis.set(entry, '', options).catch((error: unknown) => {
    throw new Unavailable(
      `Redis of ${rules.inText} does not answer, so signatures cannot be checked. Try again in a moment.`,
      { cause: error },
    );
  });
  return stored !== null;
}
