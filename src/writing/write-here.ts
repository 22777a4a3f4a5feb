// Writes whose destination is this environment: saves, deletions and refreshes. MySQL rows are written in a single
// transaction, so that a crash leaves nothing to resume. Writes of MongoDB documents are recorded in the journal first,
// so that they can be resumed.
import { isDocument } from '../catalog/entity.ts';
import type { Author } from '../state/row-state.ts';
import type { Change, WriteContext, WriteOptions } from './changes.ts';
import { writeThroughJournal, type Written } from './journaled-write.ts';
import { writeInOneTransaction } from './single-transaction.ts';

/**
 * Writes changes into this environment: all of them, or none.
 * @throws Conflict when a row has changed, Unavailable when the outcome is unknown or a person must decide
 */
export async function writeHere(
  context: WriteContext,
  author: Author,
  changes: Change[],
  naming: WriteOptions = {},
): Promise<Written> {
  if (!changes.some(({ entity }) => isDocument(entity))) {
    const transfer = await writeInOneTransaction(context, author, changes, naming);
    if (transfer) return { transfer, isNew: true };
  }
  return writeThroughJournal(context, author, changes, naming);
}
