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
import { folderStorage } from '../storage/storage.ts';
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
  close(): Promise<void>;
};

export function openHere(settings: Settings): Here {
  const closers: (() => Promise<void>)[] = [];
  const connect = (
    name: EnvironmentName,
    at: { sql: SqlAddress; nosql: NosqlAddress },
    storage: string,
  ): Stop => {
    const sql = connectSql(at.sql);
    const writers = connectSql(at.sql, 4);
    const { client, documents } = connectNosql(at.nosql);
    closers.push(
      () => sql.end(),
      () => writers.end(),
      () => client.close(),
    );
    return { name, sql, writers, documents, storage: folderStorage(storage), tells: false };
  };
  const { environment } = settings;
  const { next } = rung(environment);
  const own = connect(environment, settings, settings.storageUrl);
  return {
    ...own,
    tells: settings.indexer !== null,
    settings,
    destination:
      settings.destination && next
        ? connect(next, settings.destination, settings.destinationStorageUrl)
        : null,
    source: settings.source && connect('production', settings.source, settings.sourceStorageUrl),
    grounds: {
      environment,
      isStagingAlways: settings.isStagingAlways,
      hasDestination: settings.destination !== null,
      hasSource: settings.source !== null,
    },
    standing: watch(own.documents, settings.supportedVersion),
    log: pino({
      level: settings.logLevel,
      base: { environment },
      redact: ['req.headers.cookie', 'req.headers.authorization', '*.password', 'password'],
    }),
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

/** Redis for sessions and throttling; every key begins with the environment's name. */
export async function openRedis({ settings, log }: Here): Promise<Redis> {
  const redis = redisClient(settings.redisUrl);
  redis.on('error', (error: Error) => log.warn({ err: error }, 'redis'));
  await redis.connect();
  return redis;
}
