import type { Duplex } from 'node:stream';
import { MongoClient, type Db } from 'mongodb';
import type { PoolConnection } from 'mysql2';
import { createPool, type Pool } from 'mysql2/promise';
import type { NosqlAddress, SqlAddress } from './address.ts';
import { timeouts } from './timeouts.ts';
import { traceCommands } from './traces.ts';

// utf8mb4, or emoji are lost; strict mode, or long values are cut silently; instants in UTC. Short lock waits,
// for rows and for tables, make a writer roll back and retry instead of queueing. group_concat must not
// truncate lists.
const SESSION = `SET
  time_zone = '+00:00',
  sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
  innodb_lock_wait_timeout = 5,
  lock_wait_timeout = 5,
  group_concat_max_len = 16777216`;

/** A pool that connects on the first query. */
export function connectSql(address: SqlAddress, connections = 10): Pool {
  const pool = createPool({
    database: address.name,
    user: address.user,
    password: address.password,
    host: address.host,
    port: address.port,
    ...(address.tls && { ssl: { rejectUnauthorized: true, verifyIdentity: true } }),
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    connectionLimit: connections,
    connectTimeout: 3000,
    maxIdle: connections,
    idleTimeout: 60_000,
  });
  // Commands of a connection run in order, so these run before the caller's query, which fails with their error.
  pool.pool.on('connection', (connection) => {
    const endOnError = (error: Error | null) => {
      if (error) streamOf(connection).destroy(error);
    };
    connection.query(SESSION, endOnError);
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', endOnError);
  });
  return pool;
}

/** The driver's types leave it out. */
const streamOf = (connection: PoolConnection) =>
  (connection as unknown as { stream: Duplex }).stream;

/** A client and its database; it connects on the first command. */
export function connectNosql(
  address: NosqlAddress,
  { isTraced }: { isTraced: boolean },
): { client: MongoClient; documents: Db } {
  const client = new MongoClient(`mongodb://${address.host}:${address.port}/`, {
    auth: { username: address.user, password: address.password },
    authSource: address.authSource ?? address.name,
    tls: address.tls === true,
    directConnection: true,
    serverSelectionTimeoutMS: 3000,
    connectTimeoutMS: 3000,
    socketTimeoutMS: timeouts.statement,
    // Documents must be durable before MySQL commits the rows that refer to them.
    writeConcern: { w: 'majority', journal: true },
    monitorCommands: isTraced,
    ignoreUndefined: true,
  });
  if (isTraced) traceCommands(client);
  return { client, documents: client.db(address.name) };
}
