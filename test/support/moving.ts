// Requests account migrations (moves) in tests, and runs their jobs to the end in this process.
import * as moves from '../../src/account-moves/moves.ts';
import type { Move } from '../../src/account-moves/moves.ts';
import { requestMove, type MoveRequest, type Requested } from '../../src/account-moves/requests.ts';
import { followMoves } from '../../src/account-moves/follow.ts';
import { isActive } from '../../src/account-moves/status.ts';
import { run, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';

/** Requests the migration of an account; by default as an app does. */
export const requested = (
  here: App,
  account: string,
  wanted: Partial<MoveRequest> = {},
): Promise<Requested> => requestMove(here, { account, person: 'app', ...wanted });

/** Reads the state of an account’s migration from the database. */
export async function moveOf(here: App, account: string): Promise<Move> {
  const move = await moves.byExternalId(here.sql, account);
  if (!move) throw new Error(`Account ${account} has no move`);
  return move;
}

/**
 * Runs the jobs of an account’s migration one after the other, without their delays, until the migration has ended or
 * needs another request.
 */
export async function finish(here: App, account: string): Promise<Move> {
  for (let round = 0; round < 100; round += 1) {
    const move = await moveOf(here, account);
    if (!isActive(move)) return move;
    await run(
      here.sql,
      sql`update job set run_at = null, created_at = created_at - interval 1 second,
                 alive_at = alive_at - interval 1 minute
           where id = ${move.job}`,
    );
    const job = await runJob(here, tasks, move.job ?? '');
    const isAt = await moveOf(here, account);
    if (job?.state === 'failed' || isAt.job === move.job) await followMoves(here);
  }
  throw new Error(`The move of ${account} does not end`);
}

/** Requests the migration of an account, runs its jobs to the end, and returns the migration. */
export async function moved(
  here: App,
  account: string,
  wanted: Partial<MoveRequest> = {},
): Promise<Move> {
  await requested(here, account, wanted);
  return finish(here, account);
}
