// Writes into this environment that include documents, or that cannot be done in a single transaction. Such a write is
// recorded in the journal first and claims its rows, like a transfer whose destination is this environment.
import { isTransient } from '../database/transient-errors.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { Conflict, Unavailable } from '../problems.ts';
import type { Author } from '../state/row-state.ts';
import {
  asStep,
  draftOf,
  reliedOn,
  type Change,
  type WriteContext,
  type WriteOptions,
} from './changes.ts';
import * as journal from './journal.ts';
import { runTransfer, isOutcomeUnknown } from './run-transfer.ts';

export type Written = { transfer: journal.Transfer; isNew: boolean };

/**
 * Writes changes as one transfer into this environment.
 * @throws Conflict when a row has changed, Unavailable when the outcome is unknown or a person must decide
 */
export async function writeThroughJournal(
  { here, lease, onStoredDifferently, turn }: WriteContext,
  author: Author,
  changes: Change[],
  naming: WriteOptions,
): Promise<Written> {
  const relied = await reliedOn(here, changes);
  const draft = draftOf(author, changes.map(asStep), relied, naming);
  let isKept = false;
  try {
    const opened = await journal.open(here, here, lease, draft);
    if (!opened.isNew) return opened;
    isKept = true;
    const steps = journal.recordedSteps(draft.steps);
    const ended = await runTransfer(here, here, opened.transfer, lease, {
      steps,
      ...(turn && { turn }),
    });
    if (ended.state === 'verified') {
      const differing = await journal.storedDifferently(here.sql, ended.id);
      if (differing.length > 0) onStoredDifferently?.(differing);
      return opened;
    }
    const line = await journal.byId(here.sql, ended.id);
    const why = line?.problem ?? '';
    throw ended.state === 'needs_attention'
      ? new Unavailable(`It could not be finished, and an engineer has to decide. ${why}`)
      : new Conflict(`Nothing was saved. ${why}`, line?.problem_reason);
  } catch (error) {
    // If a server refuses a write, it has certainly executed none of it. If a server stops answering, it may have
    // executed the write.
    const isCertain = !isKept && isUnwilling(error) && !isTransient(error);
    if (!isOutcomeUnknown(error) || isCertain) throw error;
    if (!isKept) throw notCertain();
    throw new Unavailable(
      'A database does not answer. Your save is queued and will complete when the database responds.',
      { cause: error },
    );
  }
}

/** The error for a write whose outcome is unknown: no one continues such a write, so the user must check it. */
export const notCertain = () =>
  new Unavailable(
    'A database does not answer, and whether this was saved is not certain. Look at the row in a moment before you save it again.',
  );
