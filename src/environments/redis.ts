// Opens Redis clients. This code has its own file, because the redis package loads hundreds of modules that commands do
// not need.
import { createClient } from 'redis';
import type { App } from './app.ts';

/**
 * The limit on event listeners of one client: job queues share a client, and each queue adds
 * listeners to it.
 */
const MOST_LISTENERS = 100;

const redisClient = (url: string) =>
  createClient({ url, disableOfflineQueue: true }).setMaxListeners(MOST_LISTENERS);
export type Redis = ReturnType<typeof redisClient>;

/**
 * Opens the Redis client for sessions and for limits on attempts. Every key contains the name of
 * the environment.
 */
export async function openRedis(here: App): Promise<Redis> {
  const { redis, connected } = reachRedis(here);
  await connected;
  return redis;
}

/**
 * Opens a Redis client that connects in the background. Until it is connected, every command fails
 * at once instead of waiting.
 */
export function reachRedis({ settings, log }: App): { redis: Redis; connected: Promise<unknown> } {
  const redis = redisClient(settings.redisUrl);
  redis.on('error', (error: Error) => log.warn({ err: error }, 'redis'));
  return { redis, connected: redis.connect() };
}

/**
 * Opens a second Redis connection, whose commands wait while Redis does not answer. Workers need
 * it: if their commands failed at once, they would repeat them without a pause and block the
 * process.
 */
export async function patientCopy(redis: Redis, { log }: App): Promise<Redis> {
  const copy = redis.duplicate({ disableOfflineQueue: false }).setMaxListeners(MOST_LISTENERS);
  copy.on('error', (error: Error) => log.warn({ err: error }, 'redis'));
  await copy.connect();
  return copy;
}
