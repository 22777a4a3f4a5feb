// Opens the connection pools of one environment. Each pool connects at its first query.
import type { Pool } from 'mysql2/promise';
import type { NosqlAddress, SqlAddress } from '../database/address.ts';
import { connectNosql, connectSql } from '../database/connect.ts';
import type { Environment } from './environment.ts';

export type DatabaseAddresses = { sql: SqlAddress; nosql: NosqlAddress };

/**
 * `readers` and `writers` are the numbers of connections in the two MySQL pools. `isTraced`
 * publishes MongoDB commands for the debug log.
 */
type Options = { readers: number; writers: number; isTraced: boolean };

export const usualSize = { readers: 10, writers: 4 };

export type Connected = Pick<Environment, 'sql' | 'writers' | 'documents'> & {
  close: () => Promise<void>;
};

export function connectDatabases(
  at: DatabaseAddresses,
  { readers, writers: forWriters, isTraced }: Options,
): Connected {
  const sql = connectSql(at.sql, readers);
  const writers = connectSql(at.sql, forWriters);
  const { client, documents } = connectNosql(at.nosql, { isTraced });
  return {
    sql,
    writers,
    documents,
    close: async () => {
      await Promise.all([endPool(sql), endPool(writers), client.close()]);
    },
  };
}

/**
 * Closes a pool. An error is ignored: the pool cannot close a broken connection properly, but such
 * a connection is closed already.
 */
const endPool = (pool: Pool) => pool.end().catch(() => {});
