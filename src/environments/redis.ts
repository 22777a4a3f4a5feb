// Clients of Redis. A file of its own, because the package has hundreds of modules, and commands need none of them.
import { createClient } from 'redis';
import type { App } from './app.ts';

/** Each queue adds listeners to the client that it shares. */
const MOST_LISTENERS = 100;

const redisClient = (url: string) =>
  createClient({ url, disableOfflineQueue: true }).setMaxListeners(MOST_LISTENERS);
export type Redis = ReturnType<typeof redisClient>;

/**
 * Opens the Redis client for sessions and for limits on attempts; all its keys begin with the name of the
 * environment.
 */
export async function openRedis(here: App): Promise<Redis> {
  const { redis, connected } = reachRedis(here);
  await connected;
  return redis;
}

/** Opens a Redis client that connects in the background; until then every command fails at once. */
export function reachRedis({ settings, log }: App): { redis: Redis; connected: Promise<unknown> } {
  const redis = redisClient(settings.redisUrl);
  redis.on('error', (error: Error) => log.warn({ err: error }, 'redis'));
  return { redis, connected: redis.connect() };
}

/**
 * A Redis connection whose commands wait while Redis does not answer. Workers need it: they would repeat a failing
 * command without a pause, and nothing else in the process could run.
 */
export async function patientCopy(redis: Redis, { log }: App): Promise<Redis> {
  const copy = redis.duplicate({ disableOfflineQueue: false }).setMaxListeners(MOST_LISTENERS);
  copy.on('error', (error: Error) => log.warn({ err: error }, 'redis'));
  await copy.connect();
  return copy;
}
