// Checks the jobs of account migrations: a migration run whose job was lost gets a new job, and a run whose job failed
// or was cancelled fails as well.
import { select, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { JobState } from '../jobs/jobs.ts';
import { requestJob } from './job-requests.ts';
import * as moves from './moves.ts';
import { isActive } from './status.ts';

type Stranded = {
  account_id: number;
  job: string | null;
  state: JobState | null;
  problem: string | null;
  cancelled_by: string | null;
};

/**
 * Finds migration runs that have no active job. Requests a new job for each of them, or fails the run with the reason
 * of its failed job. Oneway calls this function every few seconds.
 */
export async function followMoves(here: App): Promise<void> {
  const stranded = await select<Stranded>(
    here.sql,
    sql`select move.account_id, move.job, job.state, job.problem, job.cancelled_by
          from account_move move
          left join job on job.id = move.job
          left join wave on wave.id = move.wave_id
         where (move.migration_status in ('migrating', 'channels-only')
                or (move.migration_status = 'recent-messages-only' and move.part = 'whole'))
           and (job.id is null or job.ended_at is not null)
           and coalesce(wave.state, '') <> 'paused'
         limit 100`,
  );
  for (const one of stranded) await follow(here, one);
}

const follow = (here: App, { account_id: account, job, state, ...why }: Stranded) =>
  transaction(here.sql, async (on) => {
    const move = await moves.lock(on, account);
    if (move.job !== job || !isActive(move)) return;
    if (state === 'failed' || state === 'cancelled') {
      const message =
        why.cancelled_by === null
          ? (why.problem ?? 'Its job failed.')
          : `Cancelled by ${why.cancelled_by}.`;
      const code = why.cancelled_by === null ? 'job-failed' : 'cancelled';
      await moves.fail(on, { account, code, message });
      return;
    }
    await requestJob(on, move, move.person);
  });
