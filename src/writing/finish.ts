// Ends a transfer: reads back the written rows, and records in one commit of the sending environment the outcome of
// each step, the bases (the last content that both sides had in common), the notifications and the audit entry.
import * as audit from '../audit/audit.ts';
import type { PoolConnection } from 'mysql2/promise';
import { keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { transaction } from '../database/sql.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { rulesOf } from '../environments/rules.ts';
import { settleAll } from '../settle-all.ts';
import { notifyIndexer } from '../messages/indexer.ts';
import { emailAbout, notify, notifyHolders } from '../messages/messages.ts';
import { auditEnd } from './audit-lines.ts';
import { basesOfWriteHere } from './bases-here.ts';
import * as claims from './claims.ts';
import * as journal from './journal.ts';
import { notifyOfFailure, notifyOfTransfer } from './transfer-notices.ts';
import { writeObservations } from '../state/observations.ts';
import { readAuthorsAndUndone } from '../state/undone-contents.ts';
import type { Authors } from '../state/row-state.ts';
import { addLines } from '../state/untouched.ts';
import { isAsStored, isStoredDifferently, readWritten, rowStored } from './read-back.ts';
import { observationsOf, rememberUndone } from './transfer-observations.ts';
import type { Work } from './work.ts';

export async function finish(work: Work) {
  const { here, there, transfer, steps } = work;
  const isHere = here.name === there.name;
  // The two environments are read at the same time.
  const [now, { authors, undone }] = await settleAll([
    isReadBack(work) ? rowsStored(steps) : readWritten(there, steps),
    isHere ? nothing : readAuthorsAndUndone(here.sql, steps),
  ]);
  const outcomes = outcomesOf(steps, now);
  const seen = isHere ? [] : await observationsOf(work, now);
  await transaction(here.sql, async (connection) => {
    await journal.changeState(connection, transfer, ['committed'], 'verified');
    await journal.writeOutcomes(connection, transfer.id, outcomes);
    const at = new Date().toISOString();
    if (isHere) {
      const bases = await basesOfWriteHere(connection, work);
      await writeObservations(connection, bases, at, { isCertain: true });
    } else {
      // A transfer may also send unchanged rows, which may have no entry in the table `row_state`. A row with an entry
      // in `destination_state` must have one in `row_state`, too, so missing entries are added.
      const place = { sql: connection, documents: here.documents };
      await addLines(
        place,
        steps.filter(({ entity }) => !entityNamed(entity).isMatchedByName),
        authors,
      );
      await writeObservations(connection, seen, at, { isCertain: true });
      await rememberUndone(connection, work, undone);
    }
    await recordEnd(connection, work, outcomes, authors);
  });
}

/** A write into this environment itself notifies nobody of its own rows, and undoes nothing at a destination. */
const nothing = { authors: new Map<string, string>(), undone: new Map<string, string>() };

/**
 * Whether the rows need not be read again after the COMMIT. A refresh proves each row once, as it does where it writes
 * MySQL rows in a single transaction: its first worker has read all rows back before the COMMIT, and removes none.
 */
const isReadBack = ({ transfer }: Work) => transfer.kind === 'refresh' && transfer.fence === 1;

const rowsStored = (steps: journal.WrittenStep[]): Map<string, Row> =>
  new Map(
    steps.flatMap((step) => {
      const row = rowStored(step);
      return row ? [[keyText(step), row] as const] : [];
    }),
  );

/**
 * Returns the outcomes that differ from the plan, by step number: rows that the destination stored
 * differently than sent, and rows that someone has changed since.
 */
function outcomesOf(steps: journal.WrittenStep[], now: Map<string, Row>) {
  const outcomes = new Map<number, string>();
  for (const step of steps) {
    const row = now.get(keyText(step)) ?? null;
    if (!isAsStored(step, row)) outcomes.set(step.seq, 'changed since');
    else if (isStoredDifferently(step)) outcomes.set(step.seq, journal.STORED_DIFFERENTLY);
  }
  return outcomes;
}

/**
 * Writes notifications and the audit entry, in the commit that ends the transfer. `authors`: who last changed each row
 * of the sending environment.
 */
export async function recordEnd(
  connection: PoolConnection,
  work: Work,
  outcomes: Map<number, string>,
  authors: Authors,
) {
  const { here, transfer } = work;
  const notified = await notifyOfTransfer(connection, work, authors);
  if (transfer.role === 'on_call') await notifyManagers(connection, work, notified);
  if (here.notifiesIndexer) await publishChanges(connection, work, outcomes);
  await notifySender(connection, work, outcomes);
  await auditEnd(connection, work);
}

/**
 * Notifies the sender that rows were stored differently than sent. A person who is still waiting
 * for the response to a save gets no notification, because the response says so.
 */
async function notifySender(
  connection: PoolConnection,
  { here, transfer, steps }: Work,
  outcomes: Map<number, string>,
) {
  const differing = steps.filter(({ seq }) => outcomes.get(seq) === journal.STORED_DIFFERENTLY);
  const isWaited = transfer.kind === 'save' && transfer.fence === 1;
  if (differing.length === 0 || isWaited || transfer.kind === 'refresh') return;
  await notify(connection, {
    event: 'transfer.stored-differently',
    to: transfer.person,
    text: `“${transfer.name}”: ${journal.notAsSentText(differing.length, steps.length)}`,
    href: journal.isSent(transfer) ? `/transfers/${transfer.number}` : null,
    email: emailAbout(here, 'Rows were stored differently than sent'),
  });
}

/**
 * Notifies the search indexer of the rows that this transfer wrote, except rows that someone has
 * changed since.
 */
function publishChanges(connection: PoolConnection, work: Work, outcomes: Map<number, string>) {
  const { transfer, steps } = work;
  const own = steps.filter(({ seq }) => outcomes.get(seq) !== 'changed since');
  return notifyIndexer(connection, {
    transfer: transfer.id,
    number: transfer.number,
    kind: transfer.kind,
    name: transfer.name,
    environment: transfer.destination,
    written: own.filter((step) => rowStored(step) !== null),
    removed: own.filter((step) => rowStored(step) === null),
  });
}

const notifyManagers = (connection: PoolConnection, { here, transfer }: Work, notified: string[]) =>
  notifyHolders(connection, {
    event: 'transfer.by-on-call',
    permission: 'product_manager',
    except: [transfer.person, ...notified],
    email: emailAbout(here, 'Someone on call changed a transfer'),
    text: `${transfer.person} (on call): ${transfer.name} in ${rulesOf(transfer.destination).inText}. Reason: ${transfer.reason}`,
    href: `/transfers/${transfer.number}`,
  });

/**
 * Ends a refused transfer, which has written nothing: records the reason in the journal and removes
 * the claims.
 */
export async function refuse(work: Work, why: journal.TransferProblem) {
  const { here, there, transfer } = work;
  await transaction(here.sql, async (connection) => {
    await journal.changeState(connection, transfer, ['planned', 'claimed'], 'refused', {
      problem: why,
    });
    if (journal.isSent(transfer)) {
      await audit.write(connection, {
        person: transfer.person,
        action: 'was refused',
        subject: transfer.name,
        detail: why.message,
        transfer: transfer.id,
      });
    }
    await notifyOfFailure(connection, work, why.message);
    await journal.notifyIfPromised(connection, here, transfer, why.message);
  });
  await claims.release(there.sql, transfer).catch((error: unknown) => {
    // The refusal is already recorded. If removing the claims fails, recovery removes them later.
    if (!isUnwilling(error)) throw error;
  });
}
