// Opens three environments (staging, pre-production, production) for each test worker, on the servers of bin/test.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach } from './hooks.ts';
import type { RowDataPacket } from 'mysql2';
import type { Pool } from 'mysql2/promise';
import { createClient } from 'redis';
import {
  grantLeastRights,
  prepareEnvironments,
  settingsOf as environmentSettings,
} from '../../bin/databases.ts';
import type { Addresses } from '../../bin/servers.ts';
import { publishSealingKey } from '../../src/access/secret-fields.ts';
import { migrate } from '../../src/database/migrate.ts';
import { select, sql } from '../../src/database/sql.ts';
import { timeouts } from '../../src/database/timeouts.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import type { Environment } from '../../src/environments/environment.ts';
import { ladder } from '../../src/environments/rules.ts';
import { createIndexes } from '../../src/rows/indexes.ts';
import { parseSettings, type Settings } from '../../src/settings.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { readVersion, writeVersion } from '../../src/version/metadata.ts';

export type EnvironmentOf<T> = Record<'staging' | 'preprod' | 'production', T>;
export type World = EnvironmentOf<App> & {
  variables: EnvironmentOf<Record<string, string>>;
  /** Empties every table and collection of the test environments. */
  clear(): Promise<void>;
  /**
   * Registers a function that runs before the environments are closed, such as one that closes a
   * site or a server. The function that was registered last runs first.
   */
  onClose(close: () => unknown): void;
  close(): Promise<void>;
};

type WorldOptions = {
  /** Opens the environments in another way, for example under another name or through a proxy. */
  open?: () => Promise<World>;
  /** When the databases are emptied. `once` is for tests of a file that build on each other. */
  cleared?: 'before each test' | 'once';
};

/** Opens the three environments before the first test of a file, and closes them after the last test. */
export function useWorld({
  open = openWorld,
  cleared = 'before each test',
}: WorldOptions = {}): World {
  let world: World | undefined;
  const opened = () => {
    if (!world) throw new Error('The environments are open only inside hooks and tests.');
    return world;
  };
  beforeAll(async () => {
    world = await open();
  }, 120_000);
  if (cleared === 'before each test') beforeEach(() => opened().clear());
  afterAll(() => world?.close());
  return {
    get staging() {
      return opened().staging;
    },
    get preprod() {
      return opened().preprod;
    },
    get production() {
      return opened().production;
    },
    get variables() {
      return opened().variables;
    },
    clear: () => opened().clear(),
    onClose: (close) => opened().onClose(close),
    close: () => opened().close(),
  };
}

/**
 * Returns the addresses of the test servers.
 * @throws an error with the command that starts the servers, when they are not running
 */
export function servers(): Addresses {
  const url = (name: string) => {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set: run the tests with bin/test`);
    return new URL(value);
  };
  return {
    mysql: url('TEST_MYSQL_URL'),
    mongo: url('TEST_MONGO_URL'),
    redis: url('TEST_REDIS_URL'),
  };
}

/**
 * The environments whose databases, accounts and rights this worker has created, each as a text of its server addresses
 * and name. The databases stay until the servers end, so later test files need not create them again.
 */
const prepared = new Set<string>();

/** Opens three environments. `altered` may change their variables, for example to connect through a proxy. */
export async function openWorld(
  name = `t${process.env['VITEST_POOL_ID'] ?? '0'}`,
  altered: (variables: EnvironmentOf<Record<string, string>>) => void = () => {},
  addresses = servers(),
): Promise<World> {
  // Longer timeouts, because a busy machine must not look like a failing server.
  const patient = {
    page: 20_000,
    probe: 20_000,
    silence: 20_000,
    farCounts: 20_000,
    slowCount: 20_000,
  };
  Object.assign(timeouts, { ...patient, signIn: 10 });
  const folder = mkdtempSync(join(tmpdir(), 'oneway-test-'));
  const storage = (environment: string) => join(folder, environment);
  for (const environment of ladder) mkdirSync(storage(environment));
  const place = [addresses.mysql.href, addresses.mongo.href, name].join(' ');
  const isPrepared = prepared.has(place);
  const variables = isPrepared
    ? environmentSettings(addresses, name, storage, 'owner')
    : await prepareEnvironments(addresses, name, storage);
  altered(variables);
  for (const one of Object.values(variables)) {
    // Each test worker has its own Redis database, so that workers share no sessions or limits.
    one['REDIS_URL'] = `${addresses.redis.href}/${process.env['VITEST_POOL_ID'] ?? '0'}`;
    one['LOG_LEVEL'] = 'silent';
    one['TRANSFER_LEASE_MS'] = '2000';
    one['RECOVERY_EVERY_MS'] = '200';
  }
  variables.staging['UNI_DIR_DESTINATION_STORAGE_URL'] = variables.preprod['STORAGE_URL'] ?? '';
  variables.preprod['UNI_DIR_DESTINATION_STORAGE_URL'] = variables.production['STORAGE_URL'] ?? '';
  for (const one of [variables.staging, variables.preprod]) {
    one['REFRESH_SOURCE_STORAGE_URL'] = variables.production['STORAGE_URL'] ?? '';
  }
  const here = {
    staging: openApp(settingsOf(variables.staging)),
    preprod: openApp(settingsOf(variables.preprod)),
    production: openApp(settingsOf(variables.production)),
  };
  const all = Object.values(here);
  for (const one of all) {
    await migrate(one.sql, one.documents);
    await createIndexes(one.documents);
  }
  if (!isPrepared) {
    for (const one of all) await grantLeastRights(one.sql, `${name}_${one.name}`);
    prepared.add(place);
  }
  const redis = await openOwnRedis(variables.staging['REDIS_URL'] ?? '');
  const clear = async () => {
    await Promise.all([...all.map(clearOne), redis.flushDb()]);
  };
  await clear();
  const closers: (() => unknown)[] = [];
  return {
    ...here,
    variables,
    clear,
    onClose: (close) => void closers.unshift(close),
    close: async () => {
      for (const close of closers.splice(0)) await close();
      await Promise.all(all.map((one) => one.close()));
      redis.destroy();
    },
  };
}

export const settingsOf = (
  variables: Record<string, string>,
  also: Record<string, string> = {},
): Settings => parseSettings({ ...variables, ...also });

/** Opens the client that empties the Redis database of this worker, so that `clear` does not open one each time. */
async function openOwnRedis(url: string) {
  const redis = createClient({ url });
  redis.on('error', () => {});
  return redis.connect();
}

/**
 * The tables that are not emptied between tests. If a test has changed the public key in `sealing_key`,
 * `publishSealingKey` restores it.
 */
const kept = ['migration', 'clock', 'sealing_key'];

/** Empties tables. Foreign key checks are off, so that the order of the tables does not matter. */
async function emptyTables(pool: Pool, names: string[]) {
  if (names.length === 0) return;
  const connection = await pool.getConnection();
  await connection.query('SET foreign_key_checks = 0');
  for (const name of names) await connection.query(`DELETE FROM \`${name}\``);
  await connection.query('SET foreign_key_checks = 1');
  connection.release();
}

/**
 * Empties the tables and collections of an environment. Tables that are empty already are skipped, because emptying all
 * tables before every test takes ten times as long.
 */
async function clearOne(one: Environment) {
  const { sql: pool, documents } = one;
  const tables = await select<{ name: string }>(
    pool,
    sql`select table_name as name from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'`,
  );
  const emptied = tables.map(({ name }) => name).filter((name) => !kept.includes(name));
  const first = emptied.map((name) => `(SELECT '${name}' AS name FROM \`${name}\` LIMIT 1)`);
  const [filled] = await pool.query<RowDataPacket[]>(first.join(' UNION ALL '));
  await emptyTables(
    pool,
    (filled as { name: string }[]).map(({ name }) => name),
  );
  const collections = await documents.listCollections({}, { nameOnly: true }).toArray();
  const others = collections.filter(({ name }) => name !== 'metadata');
  await Promise.all(others.map(({ name }) => documents.collection(name).deleteMany({})));
  const version = { databaseVersion: currentVersion(), isUpdating: false };
  if (!isDeepStrictEqual(await readVersion(documents), version)) {
    await writeVersion(documents, version);
  }
  await publishSealingKey(one);
}
