// Counts attempts to sign in or to use a key, in Redis, and refuses attempts above a limit.
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { Problem } from '../problems.ts';

export type Throttle = RateLimiterRedis;

const MINUTES = 15;

/**
 * Returns the address for which attempts are counted. For IPv6, this is the network (the first 64
 * bits), because its owner can use any address in the network.
 */
export function addressOf({ ip = '' }: { ip?: string | undefined }): string {
  if (!ip.includes(':') || ip.includes('.')) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  const zeros = Array.from({ length: Math.max(0, missing) }, () => '0');
  return [...groups, ...zeros, ...(tail ?? '').split(':')].slice(0, 4).join(':');
}

/** Creates a counter that allows the given number of attempts within 15 minutes. */
export const openThrottle = (
  { name }: App,
  redis: Redis,
  { counts, attempts }: { counts: string; attempts: number },
): Throttle =>
  new RateLimiterRedis({
    storeClient: redis,
    useRedisPackage: true,
    keyPrefix: `oneway:${name}:${counts}`,
    points: attempts,
    duration: MINUTES * 60,
  });

/** Counts an attempt under the key `by`, such as the address of the sender; returns false when there were too many. */
export async function isWithinLimit(throttle: Throttle, by: string): Promise<boolean> {
  try {
    await throttle.consume(by);
    return true;
  } catch (error) {
    // An attempt above the limit is refused with a result, not with an error.
    if (error instanceof Error) throw error;
    return false;
  }
}

/**
 * Counts an attempt like isWithinLimit().
 * @throws Problem 429 when there were too many attempts
 */
export async function countAttempt(throttle: Throttle, by: string) {
  if (await isWithinLimit(throttle, by)) return;
  throw new Problem(429, `Too many attempts. Wait ${MINUTES} minutes and try again.`);
}
