// The journal of an environment: every write is recorded in it, with its steps, before the write starts. Each worker of
// a transfer has a fence (a number that the next worker raises); a worker with an old fence cannot change the journal
// any more.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import {
  first,
  run,
  runForId,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { keyText } from '../catalog/entity.ts';
import * as audit from '../audit/audit.ts';
import { emailAbout, notify, notifyHolders } from '../messages/messages.ts';
import { notifyOnce } from '../messages/notify-once.ts';
import { Conflict } from '../problems.ts';
import type { Environment } from '../environments/environment.ts';
import { insertSteps } from './steps.ts';
import {
  liveStates,
  type Decision,
  type Draft,
  type TransferProblem,
  type TransferState,
  type Transfer,
} from './transfer.ts';
import { sentKinds } from '../state/transfer-kinds.ts';

export * from './steps.ts';
export * from './transfer.ts';
export * from '../state/transfer-kinds.ts';

/**
 * Thrown when another worker has taken over the transfer, so that this worker must not write
 * anything any more.
 */
export class FencedOff extends Error {}

/**
 * Records a transfer and its steps in one commit. A form contains an idempotency key (a random
 * text), so that posting the form twice records only one transfer. `alongside` is done in the same commit.
 */
export async function open(
  here: Environment,
  there: Environment,
  leaseMs: number,
  draft: Draft,
  alongside: (
    connection: PoolConnection,
    transfer: { id: string; number: number },
  ) => Promise<void> = async () => {},
): Promise<{ transfer: Transfer; isNew: boolean }> {
  const id = uuid();
  try {
    const number = await transaction(here.sql, async (connection) => {
      const lease = { until: inFuture(leaseMs), endedAt: null, instant: null };
      const begin: Beginning = { here, there, state: 'planned', ...lease };
      const inserted = await insertLine(connection, id, begin, draft);
      await insertSteps(connection, id, draft.steps);
      await alongside(connection, { id, number: inserted });
      return inserted;
    });
    const places = { origin: here.name, destination: there.name };
    const at = toSqlInstant(new Date().toISOString());
    return { transfer: { ...lineOf(draft, 'planned', at), id, number, ...places }, isNew: true };
  } catch (error) {
    const twin = await byKey(here.sql, draft.person, draft.idempotencyKey);
    // This transaction did insert the transfer, and only the answer of the database was lost. Fence
    // 1 shows that no other worker has taken the transfer over since.
    if (twin?.id === id && twin.fence === 1) return { transfer: twin, isNew: true };
    if ((error as { code?: string }).code === 'ER_DUP_ENTRY' && twin) {
      return { transfer: twin, isNew: false };
    }
    throw error;
  }
}

/**
 * Records a write that is done in a single database transaction. This record is committed together
 * with the rows, so no steps are stored: after a crash there is nothing to resume.
 */
export async function openEnded(
  connection: PoolConnection,
  here: Environment,
  draft: Draft,
  instant: string,
): Promise<Transfer> {
  const id = uuid();
  const at = toSqlInstant(instant);
  const end = { until: inFuture(0), endedAt: at, instant: at };
  const begin = { here, there: here, state: 'verified' as const, ...end };
  const number = await insertLine(connection, id, begin, draft);
  const places = { origin: here.name, destination: here.name };
  return { ...lineOf(draft, 'verified', at), instant: at, ended_at: at, id, number, ...places };
}

type Beginning = {
  here: Environment;
  there: Environment;
  state: TransferState;
  until: Statement;
  endedAt: string | null;
  instant: string | null;
};

/** Returns the journal entry of a new transfer, as insertLine() stores it at the time `at`. */
const lineOf = (draft: Draft, state: TransferState, at: string) => ({
  ...draft,
  name: draft.name.slice(0, NAME),
  state,
  approved_by: draft.approvedBy ?? null,
  fence: 1,
  lease_until: at,
  idempotency_key: draft.idempotencyKey,
  plan_hash: draft.planHash,
  decision: null,
  chain: JSON.stringify(draft.chain),
  relied_on: JSON.stringify(draft.reliedOn),
  instant: null,
  problem: null,
  problem_reason: null,
  problem_row: null,
  created_at: at,
  ended_at: null,
});

/** The longest name of a transfer, in UTF-16 units. */
const NAME = 120;

/** Inserts a transfer into the journal, and returns the number of the transfer. */
const insertLine = (connection: PoolConnection, id: string, begin: Beginning, draft: Draft) =>
  runForId(
    connection,
    sql`insert into transfer (id, kind, state, fence, lease_until, origin, destination, name, reason,
          person, approved_by, role, idempotency_key, plan_hash, chain, undoes,
          selection, relied_on, instant, created_at, ended_at)
        values (${id}, ${draft.kind}, ${begin.state}, 1, ${begin.until}, ${begin.here.name},
          ${begin.there.name}, ${draft.name.slice(0, NAME)}, ${draft.reason}, ${draft.person},
          ${draft.approvedBy ?? null}, ${draft.role}, ${draft.idempotencyKey}, ${draft.planHash}, ${JSON.stringify(draft.chain)},
          ${draft.undoes}, ${draft.selection}, ${JSON.stringify(draft.reliedOn)}, ${begin.instant},
          ${toSqlInstant(new Date().toISOString())}, ${begin.endedAt})`,
  );

/**
 * Returns an SQL expression for the time this many milliseconds from now. It uses the database’s
 * clock, because the clocks of servers may differ or jump.
 */
const inFuture = (milliseconds: number) =>
  sql`utc_timestamp(3) + interval ${milliseconds * 1000} microsecond`;

function mustExist(transfer: Transfer | undefined): Transfer {
  if (!transfer) throw new Error('The transfer is not in the journal');
  return transfer;
}

export const byId = (on: Queryable, id: string) =>
  first<Transfer>(on, sql`select * from transfer where id = ${id}`);

export async function byIds(on: Queryable, ids: string[]): Promise<Map<string, Transfer>> {
  const found = await select<Transfer>(on, sql`select * from transfer where id in (${ids})`);
  return new Map(found.map((transfer) => [transfer.id, transfer]));
}

export const byNumber = (on: Queryable, number: number) =>
  first<Transfer>(
    on,
    sql`select * from transfer
         where number = ${number} and (kind in (${sentKinds}) or state = 'needs_attention')`,
  );

export const byKey = (on: Queryable, person: string, key: string) =>
  first<Transfer>(
    on,
    sql`select * from transfer where person = ${person} and idempotency_key = ${key}`,
  );

/** The transfers that undid rows of this transfer. */
export const undoing = (on: Queryable, id: string) =>
  select<Transfer>(
    on,
    sql`select * from transfer where undoes = ${id} and state = 'verified' order by number`,
  );

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
    sql`update transfer
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
      sql`update transfer
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
 * Renews the lease of a transfer (how long its worker may be silent) until the returned function is
 * called. If the worker dies, the lease expires, and another worker takes the transfer over.
 */
export function keepLease(here: Environment, transfer: Transfer, milliseconds: number) {
  const timer = setInterval(() => {
    run(
      here.sql,
      sql`update transfer set lease_until = ${inFuture(milliseconds)}
           where id = ${transfer.id} and fence = ${transfer.fence}`,
    ).catch(() => {
      // An error is ignored: if the lease is not renewed, it expires, and recovery resumes the
      // transfer.
    });
  }, milliseconds / 3);
  timer.unref();
  return () => clearInterval(timer);
}

/** Ends the lease of a transfer now, so that recovery need not wait for it to expire. */
export const endLease = (here: Environment, transfer: Transfer) =>
  run(
    here.sql,
    sql`update transfer set lease_until = ${inFuture(0)}
         where id = ${transfer.id} and fence = ${transfer.fence}`,
  );

/**
 * Waits up to five seconds until a transfer that another process runs has ended. Returns the
 * transfer, even if it has not ended by then.
 */
export async function waitUntilEnded(here: Environment, id: string): Promise<Transfer> {
  for (let look = 1; ; look += 1) {
    const transfer = mustExist(await byId(here.sql, id));
    if (!liveStates.includes(transfer.state) || look === 50) return transfer;
    await sleep(100);
  }
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

/** The running transfers whose lease has expired, because their worker died or is suspended. */
export const orphans = (here: Environment) =>
  select<Transfer>(
    here.sql,
    sql`select * from transfer
         where state in (${liveStates}) and lease_until < ${inFuture(0)}
         order by number`,
  );

/** Takes over a transfer whose worker died, by raising its fence; null when another worker was first. */
export async function takeOver(
  here: Environment,
  orphan: Transfer,
  lease: number,
): Promise<Transfer | null> {
  const found = await run(
    here.sql,
    sql`update transfer set fence = fence + 1, lease_until = ${inFuture(lease)}
         where id = ${orphan.id} and fence = ${orphan.fence} and state in (${liveStates})
           and lease_until < ${inFuture(0)}`,
  );
  return found === 1 ? mustExist(await byId(here.sql, orphan.id)) : null;
}

/** Returns the transfers that need attention, and those that a person has sent and that are still running. */
export const unfinished = (on: Queryable) =>
  select<Transfer>(
    on,
    sql`select * from transfer
         where state = 'needs_attention' or (kind in (${sentKinds}) and state in (${liveStates}))
         order by number`,
  );
