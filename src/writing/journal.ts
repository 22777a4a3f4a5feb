// The journal of an environment: every write is recorded in it, with its steps, before the write starts. Each worker of
// a transfer has a fence (a number that the next worker raises); a worker with an old fence cannot change the journal
// any more. This file changes the states of transfers; the files that it re-exports record and find them.
import {
  byPrimaryKey,
  first,
  run,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import { keyText } from '../catalog/entity.ts';
import * as audit from '../audit/audit.ts';
import { emailAbout, notify, notifyHolders } from '../messages/messages.ts';
import { notifyOnce } from '../messages/notify-once.ts';
import { Conflict } from '../problems.ts';
import type { Environment } from '../environments/environment.ts';
import { FencedOff, inFuture } from './lease.ts';
import {
  liveStates,
  type Decision,
  type TransferProblem,
  type TransferState,
  type Transfer,
} from './transfer.ts';

export * from './lease.ts';
export * from './new-transfer.ts';
export * from './recorded-transfers.ts';
export * from './steps.ts';
export * from './transfer.ts';
export * from '../state/transfer-kinds.ts';

/**
 * Changes the state of a transfer, if no other worker has taken the transfer over.
 * @throws FencedOff when another worker has taken it over
 */
export async function changeState(
  on: Queryable,
  transfer: Transfer,
  from: TransferState[],
  to: TransferState,
  { problem, instant }: { problem?: TransferProblem; instant?: string } = {},
) {
  const ended = liveStates.includes(to) ? null : toSqlInstant(new Date().toISOString());
  const found = await run(
    on,
    sql`update ${byPrimaryKey('transfer')}
           set state = ${to}, ended_at = ${ended},
               instant = coalesce(${instant ? toSqlInstant(instant) : null}, instant)
               ${problem ? saidOf(problem) : sql``}
         where id = ${transfer.id} and fence = ${transfer.fence} and state in (${from})`,
  );
  if (found === 0) throw new FencedOff(`Transfer ${transfer.number} is in other hands`);
  transfer.state = to;
}

const saidOf = ({ message, reason, row }: TransferProblem) =>
  sql`, problem = ${message}, problem_reason = ${reason}, problem_row = ${row && keyText(row)}`;

/**
 * Marks a transfer as needing attention (a person must decide): its claims stay, and its sender and people on call
 * are notified.
 * @throws FencedOff when another worker has taken over
 */
export async function needAttention(
  here: Environment,
  transfer: Transfer,
  problem: TransferProblem,
) {
  await transaction(here.sql, async (connection) => {
    await changeState(connection, transfer, liveStates, 'needs_attention', { problem });
    const text = `“${transfer.name}” needs attention: ${problem.message}`;
    const [event, href] = ['transfer.needs-attention' as const, `/transfers/${transfer.number}`];
    const subject = `“${transfer.name}” needs attention`;
    const cause = `${transfer.id} ${transfer.fence}`;
    const news = { event, href, subject, cause, rows: { count: 0, titles: [] }, text: () => text };
    await notifyOnce(connection, here, { ...news, to: transfer.person, by: null });
    await notifyHolders(connection, {
      event,
      permission: 'on_call',
      except: transfer.person,
      text,
      href,
      email: emailAbout(here, subject),
    });
  });
}

/** Records a person’s decision and raises the fence, so that recovery carries the decision out. */
export async function resolveTransfer(
  here: Environment,
  transfer: Transfer,
  { decision, state, person }: { decision: Decision; state: TransferState; person: string },
) {
  await transaction(here.sql, async (connection) => {
    const found = await run(
      connection,
      sql`update ${byPrimaryKey('transfer')}
             set state = ${state}, decision = ${decision}, fence = fence + 1, ended_at = null,
                 lease_until = ${inFuture(0)}
           where id = ${transfer.id} and fence = ${transfer.fence} and state = 'needs_attention'`,
    );
    if (found === 0)
      throw new Conflict('Someone else has already decided. Review the transfer again.');
    await audit.write(connection, {
      person,
      action: 'decided',
      subject: transfer.name,
      detail: decision,
      transfer: transfer.id,
    });
  });
}

/** Who decided last how a transfer that needed attention continues; null if nobody did. */
export async function decidedBy(on: Queryable, { id, decision }: Transfer) {
  if (decision === null) return null;
  const line = await first<{ person: string }>(
    on,
    sql`select person from audit where transfer = ${id} and action = 'decided' order by id desc limit 1`,
  );
  return line?.person ?? null;
}

/**
 * Notifies a person whose queued save could not be written after all. The page had told this person
 * that the save would complete later.
 */
export async function notifyIfPromised(
  on: Queryable,
  here: Environment,
  transfer: Transfer,
  why: string,
) {
  if (transfer.kind !== 'save' || transfer.fence === 1) return;
  const text = `“${transfer.name}” could not be saved after all, and stands as it did before. ${why}`;
  const email = emailAbout(here, `“${transfer.name}” could not be saved`);
  await notify(on, { event: 'save.failed', to: transfer.person, text, href: null, email });
}
