// Writes of MySQL rows in this environment: saves, deletions and refreshes. Journal, rows and sync state (what is
// recorded of each row) are in one database, so a single transaction is the whole write, and a crash leaves nothing
// behind. Rows that a transfer has claimed, or that have changed meanwhile, are not written.
import { isSameRow } from '../catalog/content.ts';
import { keyText } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { command, transaction } from '../database/sql.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import { columnsWrittenBy, instantsOfRows, instantsOfTombstones, writeRows } from './apply.ts';
import * as claims from './claims.ts';
import { setClock } from '../state/clock.ts';
import { formerInstants, Instants } from './instants.ts';
import { recordEnd } from './finish.ts';
import * as journal from './journal.ts';
import { inWritingOrder } from '../catalog/order.ts';
import {
  asStep,
  draftOf,
  reliedOn,
  type Change,
  type WriteContext,
  type WriteOptions,
} from './changes.ts';
import { failpoint } from '../database/failpoints.ts';
import { lockStates, writeStatesAndArrivals } from './state-and-arrivals.ts';
import type { Author } from '../state/row-state.ts';
import {
  correctStates,
  isStoredDifferently,
  readUnlessProven,
  recordAsStored,
} from './read-back.ts';
import { lockClockAndRows } from './row-locks.ts';
import { enterTables } from './table-locks.ts';
import { changedThere, parentGone, type Work } from './work.ts';
import { isTransient } from '../database/transient-errors.ts';
import { notCertain } from './journaled-write.ts';
import { isRefusal } from './refusal.ts';
import { refuseReferenced } from './referenced.ts';
import { lockFields, namedIn, refuseTaken, unlockFields } from './unique-names.ts';
import { movedIn, refuseSharedOrders } from './unique-orders.ts';

/** The database server ends this connection after this many seconds without a statement. */
const SILENCE = 15;

/**
 * Writes the changes in one transaction. Returns null when the write was refused or blocked, so that nothing was
 * written: the caller then calls writeThroughJournal(), which finds the reason.
 * @throws Unavailable when the database stopped answering, so that the outcome is unknown
 */
export async function writeInOneTransaction(
  { here, onStoredDifferently }: WriteContext,
  author: Author,
  changes: Change[],
  naming: WriteOptions,
): Promise<journal.Transfer | null> {
  const relied = await reliedOn(here, changes);
  const steps: journal.WrittenStep[] = changes.map((change, index) => ({
    ...asStep(change),
    seq: index + 1,
    outcome: null,
  }));
  const draft = draftOf(author, steps, relied, naming);
  const named = namedIn({ transfer: draft, steps });
  const moved = movedIn({ transfer: draft, steps });
  try {
    const written = await transaction(here.writers, async (connection) => {
      // Recovery could not find this connection, because this write claims no rows. So the database server itself must
      // end the connection if this process is suspended.
      await command(connection, `SET SESSION wait_timeout = ${SILENCE}`);
      await lockFields(connection, [...named, ...moved]);
      await enterTables(connection, steps);
      // Rows to insert are not locked: the primary key refuses a concurrent insert.
      const standing = steps.filter(({ before }) => before !== null);
      // The clock (a row of the table `clock`) is locked before the row `gate`, so that other writers can claim rows
      // while this writer waits for the clock.
      const clock = await lockClockAndRows(connection, standing);
      await claims.lockGate(connection);
      await claims.refuseIfClaimed(connection, '', { write: steps, shared: relied });
      await refuseWhileUpdating(here);
      const place = { sql: connection, documents: here.documents };
      const before = (step: journal.Step) => step.before;
      const { rows, modified } = await readUnlessProven(place, standing, before, relied);
      for (const step of standing) {
        const row = rows.get(keyText(step)) ?? null;
        if (!isSameRow(entityNamed(step.entity), row, step.before)) throw changedThere(step);
      }
      const gone = relied.find((key) => !modified.has(keyText(key)));
      if (gone) throw parentGone(gone);
      await refuseReferenced(place, steps);
      await refuseTaken(place, named);
      await refuseSharedOrders(place, moved);
      const was = await lockStates(connection, steps);
      const tombstones = instantsOfTombstones(steps, was);
      const former = formerInstants([...instantsOfRows(standing, modified), ...tombstones]);
      const instants = new Instants(clock, former);
      const transfer = await journal.openEnded(connection, here, draft, instants.start);
      const work: Work = {
        here,
        there: here,
        transfer,
        steps,
        reliedOn: relied,
        onProgress: () => {},
      };
      await writeRows(
        connection,
        inWritingOrder(steps),
        rows,
        (key) => instants.of(key),
        columnsWrittenBy(transfer),
      );
      await failpoint('rows');
      const drawn = new Map(steps.map((step) => [keyText(step), instants.of(step)]));
      await recordAsStored(work, steps, { connection, drawn, instants }, (asStored) =>
        writeStatesAndArrivals(asStored, connection, { instants, was }),
      );
      await correctStates(connection, steps, instants);
      await recordEnd(connection, work, new Map(), new Map());
      await setClock(connection, instants.end);
      await failpoint('before commit');
      await command(connection, 'SET SESSION wait_timeout = DEFAULT');
      await command(connection, 'COMMIT');
      await unlockFields(connection, [...named, ...moved]);
      return transfer;
    });
    await failpoint('after commit');
    const differing = steps.filter(isStoredDifferently);
    if (differing.length > 0) onStoredDifferently?.(differing);
    return written;
  } catch (error) {
    if (isBlocked(error)) return null;
    // The job of a refresh tries again after this error. But a person who saved a row must be told that the row may
    // have been saved.
    throw naming.kind !== 'refresh' && isTransient(error) ? notCertain() : error;
  }
}

/**
 * Whether this error proves that nothing was written: Oneway or MySQL refused the write, or the
 * write waited too long for a lock.
 */
function isBlocked(error: unknown): boolean {
  if (isRefusal(error)) return true;
  const { code = '', sqlMessage } = error as { code?: string; sqlMessage?: string };
  const isLocked = code === 'ER_LOCK_DEADLOCK' || code === 'ER_LOCK_WAIT_TIMEOUT';
  return sqlMessage !== undefined && (isLocked || !isUnwilling(error));
}
