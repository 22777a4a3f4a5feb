import type { Db } from 'mongodb';
import type { Pool } from 'mysql2/promise';
import type { Queryable } from '../database/sql.ts';
import type { Objects } from '../storage/objects.ts';
import type { EnvironmentName } from './ladder.ts';

/** Where rows can be read; `sql` may be a connection inside a transaction. */
export type Place = { sql: Queryable; documents: Db };

/** One environment's databases and storage, as this program reaches them. */
export type Stop = {
  name: EnvironmentName;
  sql: Pool;
  /**
   * Connections of their own for whoever writes rows: a writer holds one while it asks the journal, and
   * where both are the same database one pool could run dry with everybody waiting.
   */
  writers: Pool;
  documents: Db;
  storage: Objects;
  /** What is written from here is told to other systems, through the outbox. */
  tells: boolean;
};
