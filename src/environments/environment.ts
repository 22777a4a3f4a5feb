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
   * A separate pool for writers. A writer holds one connection while it reads the record of its transfer over a second
   * one. In a single pool, writers could take all connections and wait for each other forever.
   */
  writers: Pool;
  documents: Db;
  storage: Objects;
  /** The keys that encrypt and decrypt secrets of this environment; null without a CREDENTIALS_KEY. */
  credentialsKeys: Settings['credentialsKeys'];
  /** Whether the search indexer is notified of rows that are written in this environment. */
  notifiesIndexer: boolean;
  /** Whether this environment sends e-mails, which requires a mail server in the settings. */
  sendsMail: boolean;
};
