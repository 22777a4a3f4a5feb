// Counts attempts in Redis and refuses when there were too many.
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { App, Redis } from '../environments/app.ts';
import { Problem } from '../problems.ts';

export type Throttle = RateLimiterRedis;

const MINUTES = 15;

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
