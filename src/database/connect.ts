import type { Duplex } from 'node:stream';
import { MongoClient, type Db } from 'mongodb';
import type { PoolConnection } from 'mysql2';
import { createPool, type Pool } from 'mysql2/promise';
import type { NosqlAddress, SqlAddress } from './address.ts';
import { timeouts } from './timeouts.ts';
import { traceCommands } from './traces.ts';

// Settings of every MySQL session. Without strict mode, MySQL truncates long values without an
// error. Times are in UTC. Lock waits are short, so that a blocked writer soon rolls back and
// retries. group_concat must not truncate long lists.
const SESSION = `SET
  time_zone = '+00:00',
  sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
  innodb_lock_wait_timeout = 5,
  lock_wait_timeout = 5,
  group_concat_max_len = 16777216`;

/** Creates a pool of MySQL connections. The first query opens a connection. */
export function connectSql(address: SqlAddress, connections = 10): Pool {
  const pool = createPool({
    database: address.name,
    user: address.user,
    password: address.password,
    host: address.host,
    port: address.port,
    ...(address.tls && { ssl: { rejectUnauthorized: true, verifyIdentity: true } }),
    // Without utf8mb4, MySQL loses emoji.
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    connectionLimit: connections,
    connectTimeout: 3000,
    maxIdle: connections,
    idleTimeout: 60_000,
  });
  // Sends the session settings on each new connection. MySQL runs the commands of a connection in
  // order, so the settings apply before the caller’s query. If a setting fails, the connection is
  // closed, and the caller’s query fails with that error.
  pool.pool.on('connection', (connection) => {
    const endOnError = (error: Error | null) => {
      if (error) streamOf(connection).destroy(error);
    };
    connection.query(SESSION, endOnError);
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', endOnError);
  });
  return pool;
}

/** The TCP stream of a connection, which the type definitions of the driver do not contain. */
const streamOf = (connection: PoolConnection) =>
  (connection as unknown as { stream: Duplex }).stream;

/**
 * Creates a MongoDB client and the handle of its database. The first command opens a connection.
 */
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
    // MongoDB must have a document on disk before MySQL commits rows that refer to the document.
    writeConcern: { w: 'majority', journal: true },
    monitorCommands: isTraced,
    ignoreUndefined: true,
  });
  if (isTraced) traceCommands(client);
  return { client, documents: client.db(address.name) };
}
