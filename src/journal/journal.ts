// The journal of an environment: what is going to be written, durable before anything is. Every move of a
// transfer's state names the fence it was given; a worker whose fence is old moves nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import { canonical } from '../catalog/content.ts';
import type { Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import {
  first,
  join,
  run,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import * as audit from '../audit/audit.ts';
import { tell, tellHolders } from '../messages/messages.ts';
import { Conflict } from '../problems.ts';
import { runsOf } from '../catalog/runs.ts';
import { insertLines } from '../database/bulk.ts';
import type { Stop } from '../environments/place.ts';
import {
  asPlanned,
  liveStates,
  sent,
  type Action,
  type Decision,
  type Draft,
  type State,
  type Step,
  type Transfer,
  type WrittenStep,
} from './transfer.ts';

export * from './transfer.ts';

/** Someone took over: this worker must not touch anything any more. */
export class Stale extends Error {}

/**
 * Writes a transfer and its steps in one commit. The same person's same key opens one transfer however often
 * it is asked for.
 */
export async function open(
  here: Stop,
  there: Stop,
  leaseMs: number,
  draft: Draft,
): Promise<{ transfer: Transfer; isNew: boolean }> {
  const id = uuid();
  try {
    await transaction(here.sql, async (connection) => {
      const lease = { until: inFuture(leaseMs), endedAt: null, instant: null };
      await insertLine(connection, id, { here, there, state: 'planned', ...lease }, draft);
      const lines = draft.steps.map((step, seq) => [
        ...[id, seq + 1, step.entity, step.id, step.title.slice(0, 200), step.action, step.because],
        ...[step.before && JSON.stringify(step.before), step.after && JSON.stringify(step.after)],
        step.kept.length > 0 ? JSON.stringify(step.kept) : null,
        ...[baseIn(step), step.formerId ?? null, step.tested?.slice(0, 400) ?? null],
      ]);
      await insertLines(
        connection,
        sql`insert into transfer_step
              (transfer, seq, entity, row_id, title, action, because, before_image, after_image, kept,
               base_before, former_id, tested) values`,
        lines,
      );
    });
  } catch (error) {
    const twin = await byKey(here.sql, draft.person, draft.idempotencyKey);
    if ((error as { code?: string }).code === 'ER_DUP_ENTRY' && twin) {
      return { transfer: twin, isNew: false };
    }
    throw error;
  }
  return { transfer: must(await byId(here.sql, id)), isNew: true };
}

/** The line of a write that is one transaction: it is there when the rows are, and needs no steps to go on from. */
export async function openEnded(
  connection: PoolConnection,
  here: Stop,
  draft: Draft,
  instant: string,
): Promise<Transfer> {
  const id = uuid();
  const at = toSqlInstant(instant);
  const end = { until: inFuture(0), endedAt: at, instant: at };
  await insertLine(connection, id, { here, there: here, state: 'verified', ...end }, draft);
  return must(await byId(connection, id));
}

type Beginning = {
  here: Stop;
  there: Stop;
  state: State;
  until: Statement;
  endedAt: string | null;
  instant: string | null;
};

const insertLine = (connection: PoolConnection, id: string, begin: Beginning, draft: Draft) =>
  run(
    connection,
    sql`insert into transfer (id, kind, state, fence, lease_until, origin, destination, name, reason,
          person, role, idempotency_key, plan_hash, chain, undoes,
          selection, relied_on, instant, created_at, ended_at)
        values (${id}, ${draft.kind}, ${begin.state}, 1, ${begin.until}, ${begin.here.name},
          ${begin.there.name}, ${draft.name.slice(0, 120)}, ${draft.reason}, ${draft.person},
          ${draft.role}, ${draft.idempotencyKey}, ${draft.planHash}, ${JSON.stringify(draft.chain)},
          ${draft.undoes}, ${draft.selection}, ${JSON.stringify(draft.reliedOn)}, ${begin.instant},
          ${toSqlInstant(new Date().toISOString())}, ${begin.endedAt})`,
  );

/** By the database's clock: those of several servers may differ, or jump. */
const inFuture = (milliseconds: number) =>
  sql`utc_timestamp(3) + interval ${milliseconds * 1000} microsecond`;

function must(transfer: Transfer | undefined): Transfer {
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
         where number = ${number} and (kind in (${sent}) or state = 'needs_attention')`,
  );

export const byKey = (on: Queryable, person: string, key: string) =>
  first<Transfer>(
    on,
    sql`select * from transfer where person = ${person} and idempotency_key = ${key}`,
  );

/** What was said of rows when they were sent, by `transfer entity:id`. */
export async function testedIn(on: Queryable, transfers: string[]): Promise<Map<string, string>> {
  const lines = await select<{ transfer: string; entity: string; row_id: number; tested: string }>(
    on,
    sql`select transfer, entity, row_id, tested from transfer_step
         where transfer in (${transfers}) and tested is not null`,
  );
  return new Map(
    lines.map((line) => [`${line.transfer} ${line.entity}:${line.row_id}`, line.tested]),
  );
}

/** Transfers that took back (rows of) this one. */
export const undoing = (on: Queryable, id: string) =>
  select<Transfer>(
    on,
    sql`select * from transfer where undoes = ${id} and state = 'verified' order by number`,
  );

export async function stepsOf(on: Queryable, id: string): Promise<WrittenStep[]> {
  const lines = await select<{
    seq: number;
    entity: string;
    row_id: number;
    title: string;
    action: Action;
    because: string | null;
    before_image: string | null;
    after_image: string | null;
    kept: string | null;
    base_before: string | null;
    former_id: number | null;
    tested: string | null;
    outcome: string | null;
    state: State;
  }>(
    on,
    sql`select s.*, t.state from transfer_step s join transfer t on t.id = s.transfer
         where s.transfer = ${id} order by s.seq`,
  );
  return lines.map((line) => {
    const before = line.before_image === null ? null : (JSON.parse(line.before_image) as Row);
    return {
      seq: line.seq,
      entity: line.entity,
      id: line.row_id,
      title: line.title,
      action: line.action,
      because: line.because,
      before,
      after: line.after_image === null ? null : (JSON.parse(line.after_image) as Row),
      kept: JSON.parse(line.kept ?? '[]') as string[],
      base:
        line.base_before === AS_BEFORE && before
          ? canonical(entityNamed(line.entity), before)
          : line.base_before,
      formerId: line.former_id,
      tested: line.tested,
      outcome: line.outcome ?? (line.state === 'verified' ? asPlanned[line.action] : null),
    };
  });
}

/** Stands for a base that is what stands there: most are, and they are long. */
const AS_BEFORE = '=';

function baseIn({ entity, before, base = null }: Step): string | null {
  const isAsBefore = base !== null && before && base === canonical(entityNamed(entity), before);
  return isAsBefore ? AS_BEFORE : base;
}

/**
 * Moves a transfer on, if it still stands where this worker left it.
 * @throws Stale when another worker has taken over
 */
export async function move(
  on: Queryable,
  transfer: Transfer,
  from: State[],
  to: State,
  also: { problem?: string; instant?: string } = {},
) {
  const ended = liveStates.includes(to) ? null : toSqlInstant(new Date().toISOString());
  const found = await run(
    on,
    sql`update transfer
           set state = ${to}, ended_at = ${ended},
               problem = coalesce(${also.problem ?? null}, problem),
               instant = coalesce(${also.instant ? toSqlInstant(also.instant) : null}, instant)
         where id = ${transfer.id} and fence = ${transfer.fence} and state in (${from})`,
  );
  if (found === 0) throw new Stale(`Transfer ${transfer.number} is in other hands`);
  transfer.state = to;
}

/**
 * It cannot go on by itself: its claims stay, and who sent it and whoever is on call are told.
 * @throws Stale when another worker has taken over
 */
export async function callForHelp(here: Stop, transfer: Transfer, problem: string) {
  await transaction(here.sql, async (connection) => {
    await move(connection, transfer, liveStates, 'needs_attention', { problem });
    const news = {
      text: `“${transfer.name}” needs a person: ${problem}`,
      href: `/transfers/${transfer.number}`,
    };
    await tell(connection, transfer.person, news);
    await tellHolders(connection, 'on_call', transfer.person, news);
  });
}

/** A person decided how it goes on: a move like any other, with a new fence, so that recovery carries it out. */
export async function decide(
  here: Stop,
  transfer: Transfer,
  { decision, state, person }: { decision: Decision; state: State; person: string },
) {
  await transaction(here.sql, async (connection) => {
    const found = await run(
      connection,
      sql`update transfer
             set state = ${state}, decision = ${decision}, fence = fence + 1, ended_at = null,
                 lease_until = ${inFuture(0)}
           where id = ${transfer.id} and fence = ${transfer.fence} and state = 'needs_attention'`,
    );
    if (found === 0) throw new Conflict('Someone else has decided already. Look at it again.');
    await audit.write(connection, {
      ...{ person, action: 'decided', subject: transfer.name, detail: decision },
      transfer: transfer.id,
    });
  });
}

/** Keeps the lease alive until it is let go; a worker that dies stops renewing it. */
export function keepLease(here: Stop, transfer: Transfer, milliseconds: number) {
  const timer = setInterval(() => {
    run(
      here.sql,
      sql`update transfer set lease_until = ${inFuture(milliseconds)}
           where id = ${transfer.id} and fence = ${transfer.fence}`,
    ).catch(() => {
      // The lease runs out, and recovery goes on from the journal.
    });
  }, milliseconds / 3);
  timer.unref();
  return () => clearInterval(timer);
}

/** Ends the lease at once, so that recovery need not wait for it. */
export const letGo = (here: Stop, transfer: Transfer) =>
  run(
    here.sql,
    sql`update transfer set lease_until = ${inFuture(0)}
         where id = ${transfer.id} and fence = ${transfer.fence}`,
  );

/** How many rows a transfer writes. */
export async function size(on: Queryable, id: string): Promise<number> {
  const line = await first<{ total: number }>(
    on,
    sql`select count(*) as total from transfer_step where transfer = ${id} and action <> 'same'`,
  );
  return line?.total ?? 0;
}

/** Waits a few seconds for a transfer that another request carries; answers it as it stands then. */
export async function whenEnded(here: Stop, id: string): Promise<Transfer> {
  for (let look = 1; ; look += 1) {
    const transfer = must(await byId(here.sql, id));
    if (!liveStates.includes(transfer.state) || look === 50) return transfer;
    await sleep(100);
  }
}

/** Transfers that nobody is working on. */
export const orphans = (here: Stop) =>
  select<Transfer>(
    here.sql,
    sql`select * from transfer
         where state in (${liveStates}) and lease_until < ${inFuture(0)}
         order by number`,
  );

/** Takes an orphan over by raising its fence; answers null when another worker was faster. */
export async function takeOver(
  here: Stop,
  orphan: Transfer,
  lease: number,
): Promise<Transfer | null> {
  const found = await run(
    here.sql,
    sql`update transfer set fence = fence + 1, lease_until = ${inFuture(lease)}
         where id = ${orphan.id} and fence = ${orphan.fence} and state in (${liveStates})
           and lease_until < ${inFuture(0)}`,
  );
  return found === 1 ? must(await byId(here.sql, orphan.id)) : null;
}

/** Sent transfers that have not ended, and those that need a person. */
export const unsettled = (on: Queryable) =>
  select<Transfer>(
    on,
    sql`select * from transfer
         where state = 'needs_attention' or (kind in (${sent}) and state in (${liveStates}))
         order by number`,
  );

/** What was not as planned: a statement for each outcome, with runs of steps as ranges. */
export async function writeOutcomes(on: Queryable, id: string, outcomes: Map<number, string>) {
  const bySame = Map.groupBy(outcomes.keys(), (seq) => outcomes.get(seq) ?? '');
  for (const [outcome, seqs] of bySame) {
    const ranges = runsOf(seqs).map(([from, to]) => sql`seq between ${from} and ${to}`);
    await run(
      on,
      sql`update transfer_step set outcome = ${outcome}
           where transfer = ${id} and (${join(ranges, ' or ')})`,
    );
  }
}
