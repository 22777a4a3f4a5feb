import type { Db } from 'mongodb';
import type { Pool } from 'mysql2/promise';
import type { Queryable } from '../database/sql.ts';
import type { Storage } from '../storage/storage.ts';
import type { EnvironmentName } from './rules.ts';

/** Where rows can be read; `sql` may be a connection inside a transaction. */
export type Databases = { sql: Queryable; documents: Db };

/** One environment's databases and storage, as this program reaches them. */
export type Environment = {
  name: EnvironmentName;
  sql: Pool;
  /**
   * Connections of their own for whoever writes rows: a writer holds one while it asks the journal, and
   * where both are the same database one pool could run dry with everybody waiting.
   */
  writers: Pool;
  documents: Db;
  storage: Storage;
  /** What is written from here is told to other systems, through the outbox. */
  notifiesIndexer: boolean;
};
