// Locks the clock and the rows that a writer changes.
import type { PoolConnection } from 'mysql2/promise';
import { isDocument, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { select, unionAll, type Statement } from '../database/sql.ts';
import { lockRows } from '../rows/mysql.ts';
import { byEntity } from '../rows/store.ts';
import { lockClock, type Clock } from '../state/clock.ts';

/**
 * Locks with one statement the clock (a row of the table `clock`), and then these rows, until the transaction ends. What
 * must be proved of the rows is read with a later statement: a statement that waits for the lock of a row may have read
 * links of the row before it waits.
 */
export const lockClockAndRows = (connection: PoolConnection, keys: RowKey[]): Promise<Clock> =>
  lockClock(connection, locksOf(keys));

/**
 * Locks these rows of tables until the transaction ends, in the order in which every writer locks rows, so that they
 * cannot deadlock.
 */
export async function lockWithoutClock(connection: PoolConnection, keys: RowKey[]) {
  const locks = locksOf(keys);
  if (locks.length > 0) await select(connection, unionAll(locks));
}

/** SQL statements that lock the rows of tables among these, one for each table. */
function locksOf(keys: RowKey[]): Statement[] {
  const stored = keys.filter(({ entity }) => !isDocument(entityNamed(entity)));
  return [...byEntity(stored)].map(([entity, ids]) => lockRows(entity, ids));
}
