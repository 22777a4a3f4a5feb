import type { Db } from 'mongodb';
import type { Pool } from 'mysql2/promise';
import type { Queryable } from '../database/sql.ts';
import type { Objects } from '../storage/objects.ts';
import type { Settings } from '../settings.ts';
import type { EnvironmentName, EnvironmentRules } from './rules.ts';

/** Databases to read from; `sql` may be a connection inside a transaction. */
export type Databases = { sql: Queryable; documents: Db };

/** One environment's databases and storage. */
export type Environment = {
  name: EnvironmentName;
  rules: EnvironmentRules;
  sql: Pool;
  /**
   * A pool for writers only: a writer holds a connection while it queries the journal, and one shared pool
   * could run dry with every writer waiting.
   */
  writers: Pool;
  documents: Db;
  storage: Objects;
  /** Seal and open secrets of this environment; null where they are another program's. */
  credentialsKeys: Settings['credentialsKeys'];
  /** Writes are published to the search indexer. */
  notifiesIndexer: boolean;
};
