// This environment as the program holds it: its databases, its neighbours, and what may be done here.
import { pino, type Logger } from 'pino';
import { createClient } from 'redis';
import {
  connectNosql,
  connectSql,
  type NosqlAddress,
  type SqlAddress,
} from '../database/connect.ts';
import type { Settings } from '../settings.ts';
import type { StorageAddress } from '../storage/address.ts';
import { openObjects } from '../storage/objects.ts';
import { watch, type Watch } from '../version/standing.ts';
import { rung, type EnvironmentName, type Grounds } from './ladder.ts';
import type { Stop } from './place.ts';

const redisClient = (url: string) => createClient({ url, disableOfflineQueue: true });
export type Redis = ReturnType<typeof redisClient>;

export type Here = Stop & {
  settings: Settings;
  /** Where rows go next; null in production and development. */
  destination: Stop | null;
  /** Where the copy-down reads. */
  source: Stop | null;
  grounds: Grounds;
  /** Whether this program may work on its database now; at most two seconds old. */
  standing: Watch;
  log: Logger;
  /** Aborted when this process is to end: whatever repeats stops, answers close their connection. */
  halt: AbortController;
  close(): Promise<void>;
};

export function openHere(settings: Settings): Here {
  const closers: (() => Promise<void>)[] = [];
  const connect = (
    name: EnvironmentName,
    at: { sql: SqlAddress; nosql: NosqlAddress },
    address: StorageAddress,
  ): Stop => {
    const storage = openObjects(address);
    const sql = connectSql(at.sql);
    const writers = connectSql(at.sql, 4);
    const { client, documents } = connectNosql(at.nosql);
    closers.push(
      () => sql.end(),
      () => writers.end(),
      () => client.close(),
      async () => storage.close(),
    );
    return { name, sql, writers, documents, storage, tells: false };
  };
  const { environment } = settings;
  const { next } = rung(environment);
  const own = connect(environment, settings, settings.storage.stores.own);
  return {
    ...own,
    tells: settings.indexer !== null,
    settings,
    destination:
      settings.destination && next
        ? connect(next, settings.destination, settings.storage.stores.destination)
        : null,
    source:
      settings.source && connect('production', settings.source, settings.storage.stores.source),
    grounds: {
      environment,
      isStagingAlways: settings.isStagingAlways,
      hasDestination: settings.destination !== null,
      hasSource: settings.source !== null,
    },
    standing: watch(own.documents, settings.supportedVersion),
    halt: new AbortController(),
    log: pino({
      level: settings.logLevel,
      base: { environment },
      serializers: { err: withoutValues },
    }),
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

/**
 * Of an error, the log says what and where. What a database answers quotes the values that it was given, and its
 * driver keeps the whole statement: neither is for a log.
 */
export function withoutValues(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, errno, sqlMessage, errmsg, keyValue } = error as Error & Record<string, unknown>;
  const isFromDatabase = [sqlMessage, errmsg, keyValue].some((one) => one !== undefined);
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    ...(errno === undefined ? {} : { errno }),
    message: isFromDatabase ? 'a database refused a statement' : error.message,
    stack: error.stack?.slice(Math.max(0, error.stack.indexOf('\n    at '))),
  };
}

/** Redis for sessions and throttling; every key begins with the environment's name. */
export async function openRedis(here: Here): Promise<Redis> {
  const { redis, connected } = reachRedis(here);
  await connected;
  return redis;
}

/** The same without waiting: until it is connected, every question is refused at once. */
export function reachRedis({ settings, log }: Here): { redis: Redis; connected: Promise<unknown> } {
  const redis = redisClient(settings.redisUrl);
  redis.on('error', (error: Error) => log.warn({ err: error }, 'redis'));
  return { redis, connected: redis.connect() };
}
