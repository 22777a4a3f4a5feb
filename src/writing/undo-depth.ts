// How many undos led to a transfer.
import type { Queryable } from '../database/sql.ts';
import * as journal from './journal.ts';

/**
 * Returns how many undos led to this transfer: 0 for a transfer, 1 for its undo, 2 for the undo of
 * that undo …
 */
export async function undoDepth(
  on: Queryable,
  { undoes }: Pick<journal.Transfer, 'undoes'>,
): Promise<number> {
  const former = undoes === null ? undefined : await journal.byId(on, undoes);
  return former ? 1 + (await undoDepth(on, former)) : 0;
}
