// Opens Redis clients. This code has its own file, because the redis package loads hundreds of modules that commands of
// the command line do not need.
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
 * Opens the Redis client that stores sessions and counts failed attempts to sign in or to use an API key. Every key in
 * Redis contains the name of the environment.
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
 * Opens a second Redis connection, whose commands wait while Redis does not answer. Workers need such a connection: a
 * worker repeats a failed command without a pause, so commands that fail at once would block the process.
 */
export async function patientCopy(redis: Redis, { log }: App): Promise<Redis> {
  const copy = redis.duplicate({ disableOfflineQueue: false }).setMaxListeners(MOST_LISTENERS);
  copy.on('error', (error: Error) => log.warn({ err: error }, 'redis'));
  await copy.connect();
  return copy;
}
