// Creates the databases of three environments on given servers, for the demo and the tests. Each environment has its
// own database accounts: `owner` for migrations, `app` for its server, `arrivals` with which the environment before it
// writes, and `reader` with which other environments read it for a refresh.
import { createHmac } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { createConnection, type Connection, type Pool } from 'mysql2/promise';
import { copyGrants, datasetsGrants, grants } from '../src/release/grants.ts';
import { ladder, rulesOf, type EnvironmentName } from '../src/environments/rules.ts';
import { currentVersion } from '../src/version/db-version.ts';
import type { Addresses } from './servers.ts';

type Variables = Record<string, string>;
/**
 * The database accounts of an environment. `owner` runs the migrations. The other accounts get the
 * least rights that work, as `oneway db grants` prints them.
 */
type Rights = 'owner' | 'app' | 'arrivals' | 'reader';
const limited = ['app', 'arrivals', 'reader'] as const;

const mongoRoles: Record<Rights, string[]> = {
  owner: ['readWrite', 'dbAdmin'],
  app: ['readWrite'],
  arrivals: ['readWrite'],
  reader: ['read'],
};

type Storage = (environment: EnvironmentName) => string;
type Settings = Record<'staging' | 'preprod' | 'production', Variables>;

/**
 * Creates missing databases and accounts. Returns the settings with which each environment’s server
 * uses the account `owner`.
 */
export async function prepareEnvironments(
  at: Addresses,
  prefix: string,
  storage: Storage,
): Promise<Settings> {
  const sql = await createConnection({ uri: at.mysql.href, charset: 'utf8mb4' });
  const mongo = new MongoClient(at.mongo.href);
  try {
    for (const environment of ladder) {
      await prepare(sql, mongo, at, `${prefix}_${environment}`);
      mkdirSync(resolve(storage(environment)), { recursive: true });
    }
  } finally {
    await sql.end();
    await mongo.close();
  }
  return settingsOf(at, prefix, storage, 'owner');
}

/**
 * Returns the settings of environments whose databases exist. The account `app` works only after
 * `grantLeastRights` has run.
 */
export function settingsOf(
  at: Addresses,
  prefix: string,
  storage: Storage,
  rights: 'owner' | 'app',
): Settings {
  const of = (environment: EnvironmentName): Variables => ({
    ENVIRONMENT: environment,
    // Reads no .env file, because these settings are complete and the .env file of this machine may
    // belong to another program.
    ENV_FILE: '',
    ...addresses(at, '', `${prefix}_${environment}`, rights),
    ...neighbours(at, prefix, environment),
    REDIS_URL: at.redis.href,
    // Allows unencrypted connections to these servers, even to given servers on another machine.
    PLAIN_CONNECTIONS_TO: [at.mysql, at.mongo, at.redis].map(({ hostname }) => hostname).join(','),
    // SecantusDB, which is used if mongod is not installed, is slow at queries with many ids.
    NOSQL_IDS_PER_QUERY: '50',
    SUPPORTED_DATABASE_VERSION: currentVersion(),
    SESSION_SECRET: secret(at, `${prefix}_${environment}_session`),
    // Tests and the demo are served over http, so cookies cannot be Secure.
    SECURE_COOKIES: 'false',
    CREDENTIALS_KEY: Buffer.from(secret(at, `${prefix}_${environment}_key`), 'hex').toString(
      'base64',
    ),
    STORAGE_URL: pathToFileURL(resolve(storage(environment))).href,
  });
  return { staging: of('staging'), preprod: of('preprod'), production: of('production') };
}

function neighbours(at: Addresses, prefix: string, environment: EnvironmentName): Variables {
  const { next } = rulesOf(environment);
  if (next === null) return {};
  return {
    ...addresses(at, 'UNI_DIR_DESTINATION_', `${prefix}_${next}`, 'arrivals'),
    ...addresses(at, 'REFRESH_SOURCE_', `${prefix}_production`, 'reader'),
  };
}

function addresses(at: Addresses, group: string, name: string, rights: Rights): Variables {
  const of = (kind: 'SQL' | 'NOSQL', { hostname, port }: URL, defaultPort: string) => ({
    [`${group}${kind}_DB_NAME`]: name,
    [`${group}${kind}_DB_USER`]: accountName(name, rights),
    [`${group}${kind}_DB_PASSWORD`]: secret(at, accountName(name, rights)),
    [`${group}${kind}_DB_HOST`]: hostname,
    [`${group}${kind}_DB_PORT`]: port || defaultPort,
  });
  return { ...of('SQL', at.mysql, '3306'), ...of('NOSQL', at.mongo, '27017') };
}

const accountName = (name: string, rights: Rights) =>
  rights === 'owner' ? name : `${name}_${rights}`;

/**
 * Derives the password of an account. The password is the same at every start, and only a program
 * that knows the passwords of the servers can derive it.
 */
const secret = (at: Addresses, name: string) =>
  createHmac('sha256', `${at.mysql.password}${at.mongo.password}`).update(name).digest('hex');

async function prepare(sql: Connection, mongo: MongoClient, at: Addresses, name: string) {
  await sql.query(
    `CREATE DATABASE IF NOT EXISTS \`${name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  );
  for (const rights of ['owner', ...limited] as const) {
    const account = accountName(name, rights);
    const password = secret(at, account);
    await sql.query(`CREATE USER IF NOT EXISTS '${account}'@'%' IDENTIFIED BY '${password}'`);
    // The account may exist already, with the password of an earlier start.
    await sql.query(`ALTER USER '${account}'@'%' IDENTIFIED BY '${password}'`);
    await addMongoUser(mongo.db(name), account, password, mongoRoles[rights]);
  }
  // Revokes the rights that the accounts were granted for an earlier schema.
  for (const rights of limited) {
    await sql.query(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM '${accountName(name, rights)}'@'%'`);
  }
  for (const statement of grants(name, 'migrator', name)) await sql.query(statement);
}

/**
 * Grants the accounts `app`, `arrivals` and `reader` the rights that `oneway db grants` prints.
 * Runs as the owner of the database, after the migrations.
 */
export async function grantLeastRights(owner: Pool, name: string) {
  for (const rights of limited) {
    for (const statement of grants(name, rights, accountName(name, rights))) {
      await owner.query(statement);
    }
  }
}

async function addMongoUser(db: Db, user: string, pwd: string, names: string[]) {
  const roles = names.map((role) => ({ role, db: db.databaseName }));
  const { users } = await db.command({ usersInfo: user });
  await db.command({ [users.length === 0 ? 'createUser' : 'updateUser']: user, pwd, roles });
}

/**
 * Creates the account that makes copies (staging databases), with the rights that `oneway db
 * grants` prints. Returns the settings with which a server uses this account.
 */
export async function prepareCopies(at: Addresses, prefix: string): Promise<Variables> {
  const account = `${prefix}_copies`;
  const password = secret(at, account);
  const sql = await createConnection({ uri: at.mysql.href });
  const mongo = new MongoClient(at.mongo.href);
  try {
    await sql.query(`CREATE USER IF NOT EXISTS '${account}'@'%' IDENTIFIED BY '${password}'`);
    await sql.query(`ALTER USER '${account}'@'%' IDENTIFIED BY '${password}'`);
    for (const statement of copyGrants(account)) await sql.query(statement);
    await addMongoUser(mongo.db('admin'), account, password, [
      'readWriteAnyDatabase',
      'dbAdminAnyDatabase',
    ]);
  } finally {
    await sql.end();
    await mongo.close();
  }
  const server = (kind: 'SQL' | 'NOSQL', { hostname, port }: URL, usual: string) => ({
    [`COPIES_${kind}_DB_USER`]: account,
    [`COPIES_${kind}_DB_PASSWORD`]: password,
    [`COPIES_${kind}_DB_HOST`]: hostname,
    [`COPIES_${kind}_DB_PORT`]: port || usual,
  });
  return {
    ...server('SQL', at.mysql, '3306'),
    ...server('NOSQL', at.mongo, '27017'),
    NUMIKUBE_STAGING_TOKEN: secret(at, `${prefix}_staging_token`),
  };
}

/**
 * Creates the datasets database, and an account with the rights that the pipeline needs there.
 * Returns the settings with which a server uses this account.
 */
export async function prepareDatasets(at: Addresses, prefix: string): Promise<Variables> {
  const name = `${prefix}_datasets`;
  const password = secret(at, name);
  const sql = await createConnection({ uri: at.mysql.href });
  try {
    await sql.query(`CREATE DATABASE IF NOT EXISTS \`${name}\` CHARACTER SET utf8mb4`);
    await sql.query(`CREATE USER IF NOT EXISTS '${name}'@'%' IDENTIFIED BY '${password}'`);
    await sql.query(`ALTER USER '${name}'@'%' IDENTIFIED BY '${password}'`);
    for (const statement of datasetsGrants(name, name)) await sql.query(statement);
  } finally {
    await sql.end();
  }
  return {
    DATASETS_SQL_DB_NAME: name,
    DATASETS_SQL_DB_USER: name,
    DATASETS_SQL_DB_PASSWORD: password,
    DATASETS_SQL_DB_HOST: at.mysql.hostname,
    DATASETS_SQL_DB_PORT: at.mysql.port || '3306',
  };
}

/**
 * Reads the names of the copies (staging databases made from backups) that the database of staging
 * has recorded. Returns none if that database has no such record.
 */
async function copiesOf(sql: Connection, staging: string) {
  const [found] = await sql.query(
    `SELECT 1 FROM information_schema.tables WHERE table_schema = '${staging}' AND table_name = 'database_copy'`,
  );
  if ((found as unknown[]).length === 0) return [];
  const [copies] = await sql.query(
    `SELECT name, documents_name AS documents FROM \`${staging}\`.database_copy WHERE ended_at IS NULL`,
  );
  return copies as { name: string; documents: string }[];
}

/**
 * Drops the databases of all environments, the datasets database, and the copies (staging databases
 * made from backups).
 */
export async function dropEnvironments(at: Addresses, prefix: string) {
  const sql = await createConnection({ uri: at.mysql.href });
  const mongo = new MongoClient(at.mongo.href);
  try {
    for (const { name, documents } of await copiesOf(sql, `${prefix}_staging`)) {
      await sql.query(`DROP DATABASE IF EXISTS \`${name}\``);
      await mongo.db(documents).dropDatabase();
    }
    await sql.query(`DROP DATABASE IF EXISTS \`${prefix}_datasets\``);
    for (const environment of ladder) {
      await sql.query(`DROP DATABASE IF EXISTS \`${prefix}_${environment}\``);
      await mongo.db(`${prefix}_${environment}`).dropDatabase();
    }
  } finally {
    await sql.end();
    await mongo.close();
  }
}
