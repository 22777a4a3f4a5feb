// Runs a transfer that is recorded in Oneway’s journal of writes: claims its rows at the destination, writes them there
// in one transaction, verifies them, and records the end. Before the COMMIT a transfer can be rolled back, after it
// never. After a crash the transfer resumes from the journal and from what the destination has.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2/promise';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { isTransient, willPass } from '../database/transient-errors.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import type { Environment } from '../environments/environment.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { readVersion } from '../version/metadata.ts';
import { apply } from './apply.ts';
import * as claims from './claims.ts';
import { isDocumentStep, removeDocuments } from './documents.ts';
import { finish, refuse } from './finish.ts';
import * as journal from './journal.ts';
import { failpoint } from '../database/failpoints.ts';
import { readUnlessProven } from './read-back.ts';
import { refusalOf } from './refusal.ts';
import { refuseReferenced } from './referenced.ts';
import type { Turn } from './turns.ts';
import { rollBackThere as putBackThere } from './rollback.ts';
import { lockFields, namedIn, refuseTaken, unlockFields } from './unique-names.ts';
import { movedIn, refuseSharedOrders } from './unique-orders.ts';
import {
  hasArrived,
  ChangedMeanwhile,
  parentGone,
  refuseIfChanged,
  OutcomePending,
  type OnProgress,
  type Work,
} from './work.ts';

/**
 * Runs a transfer to its end and returns it. `steps`: its steps, if the caller has just recorded them.
 * @throws OutcomePending when the destination stopped answering; recovery resumes the transfer
 */
export async function runTransfer(
  here: Environment,
  there: Environment,
  transfer: journal.Transfer,
  lease: number,
  {
    say = () => {},
    steps,
    turn,
  }: { say?: OnProgress; steps?: journal.WrittenStep[]; turn?: Turn } = {},
): Promise<journal.Transfer> {
  const stop = journal.keepLease(here, transfer, lease);
  try {
    const all = steps ?? (await journal.stepsOf(here.sql, transfer.id));
    const work: Work = {
      here,
      there,
      transfer,
      steps: all.filter((step) => step.action !== 'same'),
      reliedOn: JSON.parse(transfer.relied_on) as RowKey[],
      onProgress: say,
      ...(turn && { turn }),
    };
    await forward(work, { isNew: steps !== undefined });
    return transfer;
  } catch (error) {
    if (error instanceof OutcomePending) await journal.endLease(here, transfer).catch(() => {});
    // A worker that was suspended may have claimed rows again after another worker had ended the
    // transfer. These claims are removed.
    if (error instanceof journal.FencedOff) {
      await claims.releaseIfOver(here.sql, there.sql, transfer.id).catch(() => {});
    }
    throw error;
  } finally {
    stop();
  }
}

const ATTEMPTS = 3;
const CLAIM_ATTEMPTS = 40;

async function forward(work: Work, { isNew }: { isNew: boolean }) {
  await failpoint('journal');
  if (work.transfer.state === 'rolling_back') {
    await rollBack(work);
  } else {
    let refusal: journal.TransferProblem | null = null;
    try {
      await write(work, isNew);
    } catch (error) {
      refusal = refusalOf(error, work);
      if (refusal === null) throw willPass(error) ? pending(error) : error;
    }
    if (refusal === null) {
      await complete(work);
    } else if (work.transfer.state === 'applying') {
      await rollBack(work, refusal);
    } else {
      await refuse(work, refusal).catch((error: unknown) => {
        throw willPass(error) ? pending(error) : error;
      });
    }
  }
}

/**
 * Writes and commits at the destination, with a new connection for each attempt. `isNew`: no worker has tried to write
 * this transfer before.
 */
async function write(work: Work, isNew: boolean) {
  for (let attempt = 1; ; attempt += 1) {
    let connection: PoolConnection | undefined;
    try {
      connection = await work.there.writers.getConnection();
      await claimAndApply(work, connection, { isFirst: isNew && attempt === 1 });
      connection.release();
      return;
    } catch (error) {
      connection?.destroy();
      const isQueueing = error instanceof claims.RowClaimed && !journal.isSent(work.transfer);
      if (!isQueueing && !isTransient(error)) throw error;
      if (isQueueing && attempt === CLAIM_ATTEMPTS) throw error;
      if (!isQueueing && attempt >= ATTEMPTS) throw pending(error);
      // A save waits briefly while another transfer writes the same rows. A transfer is refused at
      // once instead.
      if (isQueueing) await sleep(50);
    }
  }
}

/** `isFirst`: whether this is the first attempt of all to write this transfer. */
async function claimAndApply(
  work: Work,
  connection: PoolConnection,
  { isFirst }: { isFirst: boolean },
) {
  const { here, transfer } = work;
  await claims.acquire(connection, transfer, { write: work.steps, shared: work.reliedOn });
  await failpoint('claim');
  work.onProgress(0, 'Re-checking the destination');
  if (!isFirst && (await hasArrived(connection, transfer))) return;
  const named = namedIn(work);
  const moved = movedIn(work);
  const place = { sql: connection, documents: work.there.documents };
  await lockFields(connection, [...named, ...moved]);
  await recheck(work, connection);
  await refuseTaken(place, named);
  await refuseSharedOrders(place, moved);
  await journal.changeState(here.sql, transfer, ['planned', 'claimed', 'applying'], 'applying');
  await failpoint('open');
  await inTurn(work, () => apply(work, connection, { isFirst }));
  await unlockFields(connection, [...named, ...moved]);
}

/** Runs work that locks the clock of the destination, when the other transfers of the same caller have done theirs. */
const inTurn = <T>({ turn }: Work, work: () => Promise<T>): Promise<T> =>
  turn ? turn(work) : work();

/**
 * Checks, while the rows are claimed, that nothing has changed since the plan was made. Rows of tables are not read
 * here, because apply() checks them when it has locked them.
 */
async function recheck(work: Work, connection: PoolConnection) {
  const place = { sql: connection, documents: work.there.documents };
  // The database version is read without a cache. A migration of the database to another version waits until no row is
  // claimed, so such a migration and a transfer cannot overlap. A transfer that has already begun to write continues.
  if (work.transfer.state !== 'applying') await refuseUnlessOpen(work);
  const documents = work.steps.filter(isDocumentStep);
  const before = (step: journal.Step) => step.before;
  const { rows, modified } = await readUnlessProven(place, documents, before, work.reliedOn);
  // A transfer that is resumed after a crash may find documents that it has already written itself.
  const mayHaveWritten = work.transfer.state === 'applying';
  for (const step of documents) {
    refuseIfChanged(step, rows.get(keyText(step)) ?? null, { mayHaveWritten });
  }
  for (const key of work.reliedOn) {
    if (!modified.has(keyText(key))) throw parentGone(key);
  }
  await refuseReferenced(place, work.steps);
}

async function refuseUnlessOpen({ there }: Work) {
  const version = await readVersion(there.documents);
  if (version?.isUpdating) {
    const message = 'The database there is being updated. Try again later.';
    throw new ChangedMeanwhile({ reason: 'updating', row: null, message });
  }
  if (version === null) {
    const message = 'The database there does not say which version it has.';
    throw new ChangedMeanwhile({ reason: 'no-version', row: null, message });
  }
}

/**
 * Completes a transfer after its COMMIT, when it can no longer be rolled back: removes documents,
 * verifies the rows, records the end, and removes the claims.
 */
async function complete(work: Work) {
  const { here, there, transfer } = work;
  if (transfer.state !== 'committed') {
    await journal.changeState(here.sql, transfer, ['planned', 'claimed', 'applying'], 'committed');
  }
  await failpoint('committed');
  work.onProgress(work.steps.length, 'Reading back what was written');
  try {
    await removeDocuments(work);
    await failpoint('removed');
    await finish(work);
    await failpoint('finish');
    await claims.release(there.sql, transfer);
  } catch (error) {
    throw willPass(error) ? pending(error) : error;
  }
}

/** Rolls back a transfer before its COMMIT: restores every document, then records the end. */
async function rollBack(work: Work, why?: journal.TransferProblem) {
  try {
    await raiseFence(work);
    await failpoint('rollback claim');
    const isBack = await inTurn(work, () => putBackThere(work, why));
    if (isBack) {
      await failpoint('roll-back');
      await claims.release(work.there.sql, work.transfer);
    }
  } catch (error) {
    // A document changed between reading and restoring it: a slow server may still be writing it for an earlier attempt.
    // Recovery then restores the documents as a new worker, which the earlier attempt cannot overwrite.
    throw willPass(error) || error instanceof ChangedMeanwhile ? pending(error) : error;
  }
}

/**
 * Raises the fence (number) on the claims of a transfer. A worker that takes over does this first,
 * so that the former worker can write nothing more.
 */
async function raiseFence({ there, transfer, steps, reliedOn }: Work) {
  const connection = await there.writers.getConnection();
  try {
    await claims.acquire(connection, transfer, { write: steps, shared: reliedOn });
    connection.release();
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

const pending = (error: unknown) => new OutcomePending(reasonOf(error), { cause: error });

/** Whether, after this error, it is unknown if the journal has stored a change. Recovery resumes such a transfer. */
export const isOutcomeUnknown = (error: unknown) =>
  error instanceof OutcomePending || error instanceof journal.FencedOff || isUnwilling(error);
