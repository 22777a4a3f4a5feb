// Counts attempts in Redis and refuses when there were too many.
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { App, Redis } from '../environments/app.ts';
import { Problem } from '../problems.ts';

export type Throttle = RateLimiterRedis;

const MINUTES = 15;

/** Whom attempts are counted for: of IPv6, a network is one customer, who has any number of addresses in it. */
export function addressOf({ ip = '' }: { ip?: string | undefined }): string {
  if (!ip.includes(':') || ip.includes('.')) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  const zeros = Array.from({ length: Math.max(0, missing) }, () => '0');
  return [...groups, ...zeros, ...(tail ?? '').split(':')].slice(0, 4).join(':');
}

/** So many attempts in 15 minutes. */
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

/** @throws Problem 429 when there were too many */
export async function countAttempt(throttle: Throttle, by: string) {
  await throttle.consume(by).catch((error: unknown) => {
    if (error instanceof Error) throw error;
    throw new Problem(429, `Too many attempts. Wait ${MINUTES} minutes and try again.`);
  });
}
