// Locks the clock and the rows that a writer changes.
import type { PoolConnection } from 'mysql2/promise';
import { isDocument, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { lockRows } from '../rows/mysql.ts';
import { byEntity } from '../rows/store.ts';
import { lockClock, type Clock } from '../state/clock.ts';

/**
 * Locks with one statement the clock (a row of the table `clock`), and then these rows, until the transaction ends. What
 * must be proved of the rows is read with a later statement: a statement that waits for the lock of a row may have read
 * links of the row before it waits.
 */
export function lockClockAndRows(connection: PoolConnection, keys: RowKey[]): Promise<Clock> {
  const stored = keys.filter(({ entity }) => !isDocument(entityNamed(entity)));
  const locks = [...byEntity(stored)].map(([entity, ids]) => lockRows(entity, ids));
  return lockClock(connection, locks);
}
