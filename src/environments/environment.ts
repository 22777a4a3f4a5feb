import type { Db } from 'mongodb';
import type { Pool } from 'mysql2/promise';
import type { Queryable } from '../database/sql.ts';
import type { Objects } from '../storage/objects.ts';
import type { Settings } from '../settings.ts';
import type { EnvironmentName, EnvironmentRules } from './rules.ts';

/** Connections for reading; `sql` may be a connection within a transaction. */
export type Databases = { sql: Queryable; documents: Db };

/** The databases and image storage of one environment. */
export type Environment = {
  name: EnvironmentName;
  rules: EnvironmentRules;
  sql: Pool;
  /**
   * A separate pool for writers: a writer holds a connection while it queries the journal, and in one shared pool
   * writers could use up all connections and wait for each other.
   */
  writers: Pool;
  documents: Db;
  storage: Objects;
  /** The keys that seal and open secrets of this environment; null where no CREDENTIALS_KEY is set. */
  credentialsKeys: Settings['credentialsKeys'];
  /** Whether writes are published to the search indexer. */
  notifiesIndexer: boolean;
};
