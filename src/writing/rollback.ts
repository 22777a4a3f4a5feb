import { entityNamed } from '../catalog/index.ts';
import { keyText } from '../catalog/entity.ts';
import { command, transaction } from '../database/sql.ts';
import * as mongoWrites from '../rows/mongo-writes.ts';
import { withLastingValues, withTemporaryValues } from '../rows/temporary-values.ts';
import * as claims from './claims.ts';
import { lockClock, setClock } from '../state/clock.ts';
import {
  compareAndSet,
  documentRow,
  handoverOf,
  readStored,
  stampOf,
  writtenBeforePivot,
  type StoredByKey,
} from './documents.ts';
import { formerInstants, Instants, instantsOfDocuments } from './instants.ts';
import * as journal from './journal.ts';
import { notifyOfFailure } from './transfer-notices.ts';
import { inWritingOrder } from '../catalog/order.ts';
import { failpoint } from '../database/failpoints.ts';
import { inHandoverOrder } from './handovers.ts';
import { writeTombstones } from './state-and-arrivals.ts';
import { hasArrived, isExplained, type Work } from './work.ts';

/**
 * Rolls back a transfer that did not reach its COMMIT. Every document is marked with the fence
 * (number) of this worker, even an unchanged one, so that a delayed former worker finds a higher
 * fence than its own and stops. Returns false if someone else has changed a document meanwhile,
 * unless a person has decided to keep that change.
 */
export async function rollBackThere(work: Work, why?: journal.TransferProblem): Promise<boolean> {
  const { here, there, transfer } = work;
  return transaction(there.writers, async (connection) => {
    await claims.lock(connection, transfer);
    const clock = await lockClock(connection);
    if (await hasArrived(connection, transfer)) {
      throw new Error(`Transfer ${transfer.number} has arrived and cannot be rolled back`);
    }
    const because = why === undefined ? {} : { problem: why };
    await journal.changeState(
      here.sql,
      transfer,
      ['applying', 'rolling_back'],
      'rolling_back',
      because,
    );
    await failpoint('rollback state');
    const stored = await readStored(work);
    const steps = writtenBeforePivot(work.steps, stored);
    const foreign = steps.filter((step) => !isExplained(step, documentRow(step, stored)));
    if (foreign[0] && transfer.decision !== 'roll-back') {
      const { entity, id, title } = foreign[0];
      await journal.needAttention(here, transfer, {
        reason: 'changed-there',
        row: { entity, id },
        message: `${title} was changed there by someone else during the rollback.`,
      });
      return false;
    }
    const instants = new Instants(clock, formerInstants(instantsOfDocuments(stored)));
    await restoreDocuments(work, stored, { steps, foreign }, instants);
    await writeTombstones(connection, work, instants, foreign);
    await setClock(connection, instants.end);
    await command(connection, 'COMMIT');
    const left = foreign.map(({ seq }) => [seq, 'kept theirs'] as const);
    await journal.writeOutcomes(here.sql, transfer.id, new Map(left));
    await transaction(here.sql, async (own) => {
      await journal.changeState(own, transfer, ['rolling_back'], 'rolled_back');
      const problem = transfer.problem ?? why?.message ?? '';
      await notifyOfFailure(own, work, problem, await journal.decidedBy(own, transfer));
      await journal.notifyIfPromised(own, here, transfer, problem);
    });
    return true;
  });
}

/**
 * Restores documents in an order in which each unique value is free again before the document that
 * had it is restored.
 */
async function restoreDocuments(
  work: Work,
  stored: StoredByKey,
  { steps, foreign }: Record<'steps' | 'foreign', journal.WrittenStep[]>,
  instants: Instants,
) {
  // A document that another user has changed keeps that change. Only its temporary unique values
  // are replaced by the real ones.
  const handovers = inWritingOrder(steps).flatMap((step) => {
    const seen = stored.get(keyText(step));
    if (!foreign.includes(step)) return handoverOf(step, seen, step.before);
    return seen?.temporary ? handoverOf(step, seen, withLastingValues(seen)) : [];
  });
  const now = new Map(stored);
  for (const { item: step, isTemporary } of inHandoverOrder(handovers)) {
    const entity = entityNamed(step.entity);
    const seen = now.get(keyText(step));
    const stamp = stampOf(work);
    const document =
      isTemporary && seen
        ? { ...withTemporaryValues(entity, seen), stamp }
        : foreign.includes(step) && seen
          ? { ...withLastingValues(seen), modified_at: new Date(instants.nextOf(step)), stamp }
          : step.before
            ? mongoWrites.toStored(entity, step.before, instants.nextOf(step), stamp)
            : mongoWrites.stub(step.id, instants.next(), stamp);
    now.set(keyText(step), await compareAndSet(work, step, seen, document));
    await failpoint('rollback document');
  }
}
