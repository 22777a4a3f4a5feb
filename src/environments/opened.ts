// Opens environments at run time by the name of their database, such as a staging database made from a backup.
// Callers that use the same database at the same time share its connection pools, which are closed after some time
// without use.
import type { Db } from 'mongodb';
import { first, sql } from '../database/sql.ts';
import { NotFound } from '../problems.ts';
import { isSameDatabase } from '../database/address.ts';
import { connectDatabases, type Connected, type DatabaseAddresses } from './connect.ts';
import type { Environment } from './environment.ts';
import { copyRules, type EnvironmentRules } from './rules.ts';
import type { Shared } from './shared.ts';

export type Place = {
  /** The name of the MySQL database to open, such as a staging database made from a backup. */
  database: string;
  /** The name of the MongoDB database to open, if it differs from that of the MySQL database. */
  documents?: string;
  /**
   * The rules of the environment. The default is the rules of a staging database made from a backup: rows can be
   * edited, but not sent to another environment.
   */
  rules?: EnvironmentRules;
  /**
   * The addresses of the servers, with the accounts to connect with; by default those of this environment. The database
   * names in these addresses are replaced by the names above.
   */
  at?: DatabaseAddresses;
};

/**
 * An opened environment. Call `release` after use: the connection pools stay open until every
 * caller has released them.
 */
export type Opened = {
  environment: Environment;
  release: () => void;
  /**
   * Finds the cause of an error: returns NotFound if the database was dropped meanwhile, otherwise
   * the error itself.
   */
  explain(error: unknown): Promise<unknown>;
};

export type OpenEnvironments = {
  /** The addresses of the MySQL and MongoDB servers of this environment, with the accounts to connect with. */
  own: DatabaseAddresses;
  /**
   * The databases of the environments in the settings. They must not be opened by name, because the
   * rules of their environment would not apply.
   */
  reserved: DatabaseAddresses[];
  storage: Environment['storage'];
  isTraced: boolean;
  pools: Shared<Connected>;
};

type Opener = { opened: OpenEnvironments };

/**
 * Opens a database, given by name, as an environment; call `release` after use.
 * @throws NotFound when the database does not exist, Unavailable when too many databases are in use
 */
export async function openEnvironment({ opened }: Opener, place: Place): Promise<Opened> {
  const at = addressesOf(place, opened.own);
  refuseReserved(at, opened.reserved);
  const { sql, nosql } = at;
  const key = `${sql.user}@${sql.host}:${sql.port}/${sql.name} ${nosql.user}@${nosql.host}:${nosql.port}/${nosql.name}`;
  const use = await opened.pools.use(key, () =>
    connectDatabases(at, { ...size, isTraced: opened.isTraced }),
  );
  const refuseDropped = () =>
    refuseMissing(use.resource, at).catch((error: unknown) => {
      if (error instanceof NotFound) use.discard();
      throw error;
    });
  try {
    await refuseDropped();
  } catch (error) {
    use.release();
    throw error;
  }
  return {
    environment: environmentOf(use.resource, place, opened.storage),
    release: use.release,
    explain: async (error) =>
      isOfMissing(error)
        ? refuseDropped().then(
            () => error,
            (reason: unknown) => (reason instanceof NotFound ? reason : error),
          )
        : error,
  };
}

/**
 * Opens a database, given by name, as an environment and runs `work` with it.
 * @throws NotFound when the database does not exist, or is dropped during the work
 */
export async function withEnvironment<T>(
  opener: Opener,
  place: Place | string,
  work: (environment: Environment) => Promise<T>,
): Promise<T> {
  const opened = await openEnvironment(
    opener,
    typeof place === 'string' ? { database: place } : place,
  );
  try {
    return await work(opened.environment);
  } catch (error) {
    throw await opened.explain(error);
  } finally {
    opened.release();
  }
}

const size = { readers: 4, writers: 2 };

const environmentOf = (
  { sql, writers, documents }: Connected,
  { database, rules = copyRules(database) }: Place,
  storage: Environment['storage'],
): Environment => ({
  name: 'copy',
  rules,
  sql,
  writers,
  documents,
  storage,
  credentialsKeys: null,
  notifiesIndexer: false,
  sendsMail: false,
});

/**
 * Matches database names that both servers accept. MongoDB allows 63 characters, one less than
 * MySQL; dots and slashes have a special meaning and are excluded.
 */
const NAME = /^[\w-]{1,63}$/;

function addressesOf(
  { database, documents = database, at }: Place,
  own: DatabaseAddresses,
): DatabaseAddresses {
  for (const name of [database, documents]) {
    if (!NAME.test(name)) throw new NotFound(`“${name}” is not the name of a database.`);
  }
  const { sql, nosql } = at ?? own;
  return {
    sql: { ...sql, name: database },
    nosql: { ...nosql, name: documents, authSource: nosql.authSource ?? nosql.name },
  };
}

function refuseReserved(at: DatabaseAddresses, reserved: DatabaseAddresses[]) {
  for (const one of reserved) {
    if (isSameDatabase(one.sql, at.sql) || isSameDatabase(one.nosql, at.nosql)) {
      throw new NotFound(
        `“${at.sql.name}” has an environment of its own; it is not opened by name.`,
      );
    }
  }
}

/**
 * Checks that the MySQL and the MongoDB database exist and may be opened.
 * @throws NotFound with the name of the missing database
 */
async function refuseMissing({ sql: pool, documents }: Connected, at: DatabaseAddresses) {
  const [isInMysql, isInMongo] = await Promise.all([
    first(pool, sql`select 1 from information_schema.schemata where schema_name = ${at.sql.name}`)
      .then((line) => line !== undefined)
      .catch(falseWhenMissing),
    hasCollections(documents).catch(falseWhenMissing),
  ]);
  if (!isInMysql) throw new NotFound(`There is no MySQL database “${at.sql.name}”.`);
  if (!isInMongo) throw new NotFound(`There is no MongoDB database “${at.nosql.name}”.`);
}

/**
 * Whether a MongoDB database exists, that is, has collections: MongoDB treats a missing database
 * like an empty one.
 */
const hasCollections = async (documents: Db) =>
  (await documents.listCollections({}, { nameOnly: true }).toArray()).length > 0;

function falseWhenMissing(error: unknown): false {
  if (isOfMissing(error)) return false;
  throw error;
}

/** MongoDB’s error code for a user without rights on a database. */
const UNAUTHORIZED = 13;
const missing = new Set([
  'ER_BAD_DB_ERROR',
  'ER_NO_DB_ERROR',
  'ER_NO_SUCH_TABLE',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_TABLEACCESS_DENIED_ERROR',
]);
function isOfMissing(error: unknown): boolean {
  const { code } = error as { code?: string | number };
  return code === UNAUTHORIZED || missing.has(String(code));
}
