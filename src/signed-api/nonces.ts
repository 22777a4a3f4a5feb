// Remembers the nonces of signed requests in Redis, so that a recorded request cannot be sent again.
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { Unavailable } from '../problems.ts';

/** For how many seconds a nonce is remembered: longer than a request is fresh, by clocks that are ahead or behind. */
const REMEMBERED_S = 180;

/**
 * Whether a nonce of a key is new; it is remembered from then on. `key`: the id of the key in the database. The id that
 * the client sent is not part of the signature, and MySQL ignores blanks behind it.
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
