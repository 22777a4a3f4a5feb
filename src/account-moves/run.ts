// One run of a migration: the data that its jobs share, the check after each page of messages whether the run may go
// on, and the change from one stage to the next.
import type { PoolConnection } from 'mysql2/promise';
import { failpoint } from '../database/failpoints.ts';
import { run, sql, transaction, type Statement } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import { mine } from '../jobs/fence.ts';
import type { Work } from '../jobs/task.ts';
import * as moves from './moves.ts';
import type { Move } from './moves.ts';
import type { Reader } from './reader.ts';
import { stages, stageTexts, type Reached, type Stage } from './status.ts';

/** The data and services that every stage of a run uses. */
export type Run = {
  here: App;
  work: Work;
  account: number;
  externalId: string;
  run: number;
  /** The location of the dump (export of the account) that is read; null when the older system’s store is read. */
  location: string | null;
  reader: Reader;
};

/**
 * Why a job stops before its run is finished: another job has taken over the run, the account’s wave (set of accounts
 * that are migrated in the background) is paused, or the run has failed.
 */
export type StopReason = 'superseded' | 'paused' | 'failed';

export class RunStopped extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`The run stops here: ${reason}`);
    this.reason = reason;
  }
}

/** Thrown for a fault that no further attempt can fix. The migration run fails with this code and message. */
export class RunFailed extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** SQL condition that selects the migration only while this attempt of this job owns the run. */
export const own = ({ account, run: number, work }: Run): Statement =>
  sql`account_id = ${account} and run = ${number} and job = ${work.job.id}
      and exists (select 1 from job where ${mine(work.job)})`;

/**
 * Changes the migration’s row, which locks the row until the commit. `only`: an additional SQL
 * condition.
 * @throws RunStopped when another job has taken over the run, or `only` is false
 */
export async function changeMove(
  on: PoolConnection,
  at: Run,
  { set, only = sql`true` }: { set: Statement; only?: Statement },
) {
  const changed = await run(on, sql`update account_move set ${set} where ${own(at)} and ${only}`);
  if (changed === 0) throw new RunStopped('superseded');
}

/**
 * Reports the progress, and checks whether the run may go on.
 * @throws RunStopped when another job has taken over the run or the wave is paused, Closed while a database is being
 * updated to another version
 */
export async function checkpoint(at: Run): Promise<Move> {
  const move = await current(at);
  await at.work.report({
    done: move.messages,
    total: Math.max(move.expected_messages ?? 0, move.messages),
    doing: stageTexts[move.stage ?? 'final-check'],
  });
  await refuseWhileUpdating(at.here);
  if (move.is_paused === 1) throw new RunStopped('paused');
  return move;
}

/**
 * Reads the current state of the migration.
 * @throws RunStopped when another job has taken over the run
 */
export async function current(at: Run): Promise<Move> {
  const move = await moves.byAccount(at.here.sql, at.account);
  if (move?.run !== at.run || move.job !== at.work.job.id) throw new RunStopped('superseded');
  return move;
}

/**
 * If channels of the account could not be stored (error channels-rejected), the run goes on. The error stays recorded,
 * so that it is reported and shown.
 */
const isReported = sql`error_code = 'channels-rejected'`;

/**
 * SQL assignments that clear the migration’s error when the older system or the dump can be read again. The error about
 * channels that could not be stored stays.
 */
export const withoutError = sql`error_message = if(${isReported}, error_message, null),
    error_at = if(${isReported}, error_at, null), error_code = if(${isReported}, error_code, null),
    failing_since = null`;

type Advance = {
  from: Stage;
  /**
   * The status that the run reaches at the end of the stage; null if the status does not change.
   */
  reaches: Reached | null;
  change?: Statement;
  /** Makes further changes in the same commit. */
  also?: (on: PoolConnection) => Promise<void>;
};

/** Ends a stage of the migration run and begins the next stage in one commit. */
export async function advance(at: Run, { from, reaches, change, also }: Advance) {
  const next = stages[stages.indexOf(from) + 1] ?? null;
  await failpoint(`move ${from} ends`);
  await transaction(at.here.sql, async (on) => {
    await changeMove(on, at, {
      set: sql`stage = ${next}, ${change ?? sql`page = page + 1`},
               reached = coalesce(${reaches}, reached),
               migration_status = coalesce(${reaches}, migration_status),
               ${withoutError}`,
      only: sql`stage = ${from}`,
    });
    if (reaches !== null) {
      await moves.addEvent(on, { account: at.account, kind: 'status', name: reaches });
    }
    if (next !== null) {
      await moves.addEvent(on, { account: at.account, kind: 'stage', name: next });
    }
    await also?.(on);
  });
  await failpoint(`move ${from} ended`);
}
