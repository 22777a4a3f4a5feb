// Records new transfers in the journal: with their steps before a worker writes them, or together with rows that are
// written in a single database transaction.
import type { PoolConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import { runForId, sql, toSqlInstant, transaction, type Statement } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { inFuture } from './lease.ts';
import { byKey } from './recorded-transfers.ts';
import { insertSteps } from './steps.ts';
import type { Draft, Transfer, TransferState } from './transfer.ts';

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
const lineOf = ({ steps: _steps, ...draft }: Draft, state: TransferState, at: string) => ({
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
