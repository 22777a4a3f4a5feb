// The one way in which catalogue rows are written: journal, claims at the destination, one transaction
// there with COMMIT as the pivot, verification, finish. Run again after any crash it goes on from where the
// journal and the destination stand.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2/promise';
import { isSameRow } from '../catalog/content.ts';
import { keyText, titleOf, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { isFull, isPassing } from '../database/transient-errors.ts';
import type { Place, Stop } from '../environments/environment.ts';
import { UnknownName } from '../rows/mysql.ts';
import { read } from '../rows/store.ts';
import { fromElsewhere, usesOf } from '../rows/references.ts';
import { readVersion } from '../version/metadata.ts';
import { apply } from './apply.ts';
import * as claims from './claims.ts';
import { removeDocuments } from './documents.ts';
import { finish, refuse } from './finish.ts';
import * as journal from './journal.ts';
import { point } from './failpoints.ts';
import { putBack as putBackThere } from './rollback.ts';
import { hasArrived, isExplained, Moved, Unsettled, type Say, type Work } from './work.ts';

/**
 * Carries a journaled transfer to its end and answers how it ended.
 * @throws Unsettled when the destination stopped answering; recovery goes on later
 */
export async function carry(
  here: Stop,
  there: Stop,
  transfer: journal.Transfer,
  lease: number,
  say: Say = () => {},
): Promise<journal.Transfer> {
  const stop = journal.keepLease(here, transfer, lease);
  try {
    const all = await journal.stepsOf(here.sql, transfer.id);
    const work: Work = {
      here,
      there,
      transfer,
      steps: all.filter((step) => step.action !== 'same'),
      reliedOn: JSON.parse(transfer.relied_on) as RowKey[],
      say,
    };
    await forward(work);
    return transfer;
  } catch (error) {
    if (error instanceof Unsettled) await journal.letGo(here, transfer).catch(() => {});
    // Overtaken while asleep, it may have taken claims again on waking, after the end.
    if (error instanceof journal.Stale) {
      await claims.releaseIfOver(here.sql, there.sql, transfer.id).catch(() => {});
    }
    throw error;
  } finally {
    stop();
  }
}

const ATTEMPTS = 3;
const PATIENCE = 40;

async function forward(work: Work) {
  await point('journal');
  if (work.transfer.state === 'putting_back') {
    await putBack(work);
  } else {
    let refusal: string | null = null;
    try {
      await write(work);
    } catch (error) {
      refusal = refusalOf(error);
      if (refusal === null) throw error;
    }
    if (refusal === null) {
      await settle(work);
    } else if (work.transfer.state === 'applying') {
      await putBack(work, refusal);
    } else {
      await refuse(work, refusal);
    }
  }
}

/** Brings the destination over the pivot, with a fresh connection for each attempt. */
async function write(work: Work) {
  for (let attempt = 1; ; attempt += 1) {
    let connection: PoolConnection | undefined;
    try {
      connection = await work.there.writers.getConnection();
      await claimAndApply(work, connection);
      connection.release();
      return;
    } catch (error) {
      connection?.destroy();
      const isQueueing = error instanceof claims.Taken && !journal.isSent(work.transfer);
      if (!isQueueing && !isPassing(error)) throw error;
      if (isQueueing && attempt === PATIENCE) throw error;
      if (!isQueueing && attempt >= ATTEMPTS)
        throw new Unsettled(messageOf(error), { cause: error });
      // A save waits a moment for another write of the same rows; a transfer is told at once.
      if (isQueueing) await sleep(50);
    }
  }
}

async function claimAndApply(work: Work, connection: PoolConnection) {
  const { here, transfer } = work;
  await claims.take(connection, transfer, { write: work.steps, shared: work.reliedOn });
  await point('claim');
  work.say(0, 'Looking at the destination once more');
  if (await hasArrived(connection, transfer)) return;
  if (transfer.state === 'planned') {
    await journal.move(here.sql, transfer, ['planned'], 'claimed');
    await point('state');
  }
  await lookAgain(work, connection);
  await journal.move(here.sql, transfer, ['claimed', 'applying'], 'applying');
  await point('open');
  await apply(work, connection);
}

/** Under the claims: is everything as it was planned? */
async function lookAgain(work: Work, connection: PoolConnection) {
  const place = { sql: connection, documents: work.there.documents };
  // Uncached, under the claims: a migration waits for claims, so the two cannot cross. What had got further
  // before goes on to its end.
  if (work.transfer.state !== 'applying') await refuseUnlessOpen(work);
  const rows = await read(place, [...work.steps, ...work.reliedOn]);
  for (const step of work.steps) {
    const now = rows.get(keyText(step)) ?? null;
    // Only an attempt that got further before may find its own work.
    const isExpected =
      work.transfer.state === 'applying'
        ? isExplained(step, now)
        : isSameRow(entityNamed(step.entity), now, step.before);
    if (!isExpected) throw new Moved(`${step.title} was changed there meanwhile.`);
  }
  for (const key of work.reliedOn) {
    if (!rows.has(keyText(key))) {
      const { label } = entityNamed(key.entity);
      throw new Moved(`${label.one} ${key.id}, which is needed, was removed there meanwhile.`);
    }
  }
  await refuseUsed(place, work);
}

async function refuseUnlessOpen({ there }: Work) {
  const version = await readVersion(there.documents);
  if (version?.isUpdating) throw new Moved('The database there is being updated. Try again later.');
  if (version === null) throw new Moved('The database there does not say which version it has.');
}

/** What goes must have no user and no dependent that stays. */
async function refuseUsed(place: Place, { steps }: Work) {
  const removals = steps.filter((step) => step.action === 'remove');
  const uses = await usesOf(place, removals, { under: true });
  const [use] = fromElsewhere(uses, steps);
  if (use) {
    const { entity, row } = use.user;
    throw new Moved(`${entity.label.one} “${titleOf(entity, row)}” began to use it meanwhile.`);
  }
}

/** After the pivot: removals of documents, verification, finish, release. There is no way back from here. */
async function settle(work: Work) {
  const { here, there, transfer } = work;
  if (transfer.state !== 'committed') {
    await journal.move(here.sql, transfer, ['planned', 'claimed', 'applying'], 'committed');
  }
  await point('committed');
  work.say(work.steps.length, 'Reading back what was written');
  try {
    await removeDocuments(work);
    await point('removed');
    await finish(work);
    await point('finish');
    await claims.release(there.sql, transfer);
  } catch (error) {
    if (isPassing(error) || isFull(error)) {
      throw new Unsettled(messageOf(error), { cause: error });
    }
    throw error;
  }
}

/** Before the pivot: every document gets its before-image back, then the journal says so. */
async function putBack(work: Work, why?: string) {
  try {
    await raiseFence(work);
    await point('put-back claim');
    const isBack = await putBackThere(work, why);
    if (isBack) {
      await point('put-back');
      await claims.release(work.there.sql, work.transfer);
    }
  } catch (error) {
    if (isPassing(error) || isFull(error)) {
      throw new Unsettled(messageOf(error), { cause: error });
    }
    throw error;
  }
}

/** A worker that takes over shows its fence on the claims before it touches anything. */
async function raiseFence({ there, transfer, steps, reliedOn }: Work) {
  const connection = await there.writers.getConnection();
  try {
    await claims.take(connection, transfer, { write: steps, shared: reliedOn });
    connection.release();
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** It was found before MySQL was asked: somebody has a row, a row is not as it was, a linked name is not there. */
export const isOurNo = (error: unknown): error is Moved | claims.Taken | UnknownName =>
  error instanceof Moved || error instanceof claims.Taken || error instanceof UnknownName;

/** Whether a write that is in the journal was done is not known yet: the program goes on by itself. */
export const isUncertain = (error: unknown) =>
  error instanceof Unsettled || error instanceof journal.Stale || isPassing(error);

/** In words, when the destination said no; null when the error is not about what is written. */
function refusalOf(error: unknown): string | null {
  if (isOurNo(error)) return error.message;
  const { code, sqlMessage, errmsg } = error as {
    code?: string | number;
    sqlMessage?: string;
    errmsg?: string;
  };
  if (error instanceof journal.Stale || error instanceof Unsettled) return null;
  if (sqlMessage) return `The destination's MySQL refused it: ${sqlMessage}`;
  if (errmsg && typeof code === 'number') return `The destination's MongoDB refused it: ${errmsg}`;
  return null;
}
