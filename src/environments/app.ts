// The running environment: its databases, its neighbours, and what may be done in it.
import type { Pool } from 'mysql2/promise';
import { pino, type Logger } from 'pino';
import { createClient } from 'redis';
import type { NosqlAddress, SqlAddress } from '../database/address.ts';
import { connectNosql, connectSql } from '../database/connect.ts';
import { limits } from '../database/limits.ts';
import type { Settings } from '../settings.ts';
import type { StorageAddress } from '../storage/address.ts';
import { cachedCompatibility, type CachedCompatibility } from '../version/compatibility.ts';
import { logTraces } from './debug-log.ts';
import { rulesOf, type EnvironmentName, type EnvironmentSetup } from './rules.ts';
import type { Environment } from './environment.ts';
import { NotFound } from '../problems.ts';
import { openObjects } from '../storage/open.ts';

const redisClient = (url: string) => createClient({ url, disableOfflineQueue: true });
export type Redis = ReturnType<typeof redisClient>;

export type App = Environment & {
  settings: Settings;
  /** The next environment; null in production and development. */
  destination: Environment | null;
  /** Production, as the source of the refresh. */
  source: Environment | null;
  setup: EnvironmentSetup;
  /** Whether this program and its database are compatible; cached for two seconds. */
  compatibility: CachedCompatibility;
  log: Logger;
  /** Aborted on shutdown: loops stop and responses close their connection. */
  halt: AbortController;
  close(): Promise<void>;
};

export function openApp(settings: Settings): App {
  limits.idsPerQuery = settings.idsPerQuery;
  const closers: (() => Promise<void>)[] = [];
  const log = pino({
    level: settings.logLevel,
    base: { environment: settings.environment },
    serializers: { err: withoutValues },
  });
  const isTraced = log.isLevelEnabled('debug');
  if (isTraced) closers.push(logTraces(log));
  const connect = (
    name: EnvironmentName,
    at: { sql: SqlAddress; nosql: NosqlAddress },
    address: StorageAddress,
  ): Environment => {
    const sql = connectSql(at.sql);
    const writers = connectSql(at.sql, 4);
    const { client, documents } = connectNosql(at.nosql, { isTraced });
    const storage = openObjects(address);
    closers.push(
      () => endPool(sql),
      () => endPool(writers),
      () => client.close(),
      async () => storage.close(),
    );
    return {
      name,
      sql,
      writers,
      documents,
      storage,
      notifiesIndexer: false,
    };
  };
  const { environment } = settings;
  const { next } = rulesOf(environment);
  const own = connect(environment, settings, settings.storage.stores.own);
  return {
    ...own,
    notifiesIndexer: settings.indexer !== null,
    settings,
    destination:
      settings.destination && next
        ? connect(next, settings.destination, settings.storage.stores.destination)
        : null,
    source:
      settings.source && connect('production', settings.source, settings.storage.stores.source),
    setup: {
      environment,
      isStagingAlways: settings.isStagingAlways,
      hasDestination: settings.destination !== null,
      hasSource: settings.source !== null,
    },
    compatibility: cachedCompatibility(own.documents, settings.supportedVersion),
    halt: new AbortController(),
    log,
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

/** A pool cannot say goodbye on a connection that broke before; that connection is closed already. */
const endPool = (pool: Pool) => pool.end().catch(() => {});

/**
 * Serializes an error for the log. Database errors echo parameter values and drivers attach the whole
 * statement, so neither is logged.
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
export async function openRedis(here: App): Promise<Redis> {
  const { redis, connected } = reachRedis(here);
  await connected;
  return redis;
}

/** Connects in the background; until then every command is rejected at once. */
export function reachRedis({ settings, log }: App): { redis: Redis; connected: Promise<unknown> } {
  const redis = redisClient(settings.redisUrl);
  redis.on('error', (error: Error) => log.warn({ err: error }, 'redis'));
  return { redis, connected: redis.connect() };
}

export function destinationOf({ name, destination }: App): Environment {
  if (!destination) throw new NotFound(`Nothing is transferred out of ${rulesOf(name).inText}.`);
  return destination;
}
