// One run of a move: what its jobs share, the checks between two pages, and how it goes from stage to stage.
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

/** What the stages of a run work with. */
export type Run = {
  here: App;
  work: Work;
  account: number;
  externalId: string;
  run: number;
  /** The dump that is read; null for the store. */
  location: string | null;
  reader: Reader;
};

/** Why a job stops without finishing the run: another job has it, its wave is paused, or it has failed. */
export type StopReason = 'superseded' | 'paused' | 'failed';

export class RunStopped extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`The run stops here: ${reason}`);
    this.reason = reason;
  }
}

/** The error for a fault that no further attempt mends: the run fails with it. */
export class RunFailed extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** An SQL condition that selects a move only while this attempt of this job has the run. */
export const own = ({ account, run: number, work }: Run): Statement =>
  sql`account_id = ${account} and run = ${number} and job = ${work.job.id}
      and exists (select 1 from job where ${mine(work.job)})`;

/**
 * Changes the move, which locks it until the commit. `only`: what must hold besides.
 * @throws RunStopped when another job has the run
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
 * Reports the progress, and checks that the run may go on.
 * @throws RunStopped when another job has the run or its wave is paused, Closed while a database is being updated
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

/** The move as it is now, if this job still has the run. */
export async function current(at: Run): Promise<Move> {
  const move = await moves.byAccount(at.here.sql, at.account);
  if (move?.run !== at.run || move.job !== at.work.job.id) throw new RunStopped('superseded');
  return move;
}

/** An error that does not end the run stays until the run ends, so that it is reported and shown. */
const isReported = sql`error_code = 'channels-rejected'`;

/** The source works again. */
export const withoutError = sql`error_message = if(${isReported}, error_message, null),
    error_at = if(${isReported}, error_at, null), error_code = if(${isReported}, error_code, null),
    failing_since = null`;

type Advance = {
  from: Stage;
  /** The status that the run reaches by it. */
  reaches: Reached | null;
  change?: Statement;
  /** Does more in the same commit. */
  also?: (on: PoolConnection) => Promise<void>;
};

/** Ends a stage and begins the next one, in one commit. Reading begins at the start unless the stage continues it. */
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
