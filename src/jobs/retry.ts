import * as audit from '../audit/audit.ts';
import { byPrimaryKey, run, sql, transaction } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict } from '../problems.ts';
import { now, type Job } from './jobs.ts';
import type { Tasks } from './task.ts';

/** Where a retry of a job starts: at the step that failed, or at the first step. */
type From = 'failed step' | 'start';

export const mayBeRetried = (tasks: Tasks, { kind, state, parent }: Job) =>
  tasks[kind]?.mayBeRetried === true &&
  parent === null &&
  (state === 'failed' || state === 'cancelled');

/**
 * Lets a failed or cancelled job run again. Its attempts are counted from zero; its log is kept.
 * @throws Conflict when the job may not be retried, or when another job with its `onlyOne` key is
 * active
 */
export async function retry(
  here: Environment,
  tasks: Tasks,
  job: Job,
  { person, from }: { person: string; from: From },
) {
  if (!mayBeRetried(tasks, job)) throw new Conflict('This job cannot be retried.');
  await transaction(here.sql, async (on) => {
    const found = await run(
      on,
      sql`update ${byPrimaryKey('job')}
             set state = 'waiting', ended_at = null, run_at = ${now}, cancelled_by = null, problem = null,
                 attempts_before = attempt, report = if(${from === 'start'}, null, report)
           where id = ${job.id} and state in ('failed', 'cancelled')`,
    ).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'ER_DUP_ENTRY') throw error;
      throw new Conflict('Another job of this kind is under way.');
    });
    if (found === 0) throw new Conflict('This job is under way again already.');
    if (from === 'start') {
      // Steps with attempt 0 are kept: they were done when the job was requested, before its first attempt, so a retry
      // could not run them again.
      await run(on, sql`delete from job_step where job = ${job.id} and attempt > 0`);
      await run(on, sql`delete from job where parent = ${job.id}`);
    } else {
      await run(
        on,
        sql`update job
               set state = 'waiting', ended_at = null, run_at = ${now}, cancelled_by = null, problem = null,
                   attempts_before = attempt
             where parent = ${job.id} and state in ('failed', 'cancelled')`,
      );
    }
    const detail = from === 'start' ? 'From the start' : 'From the step that failed';
    await audit.write(on, { person, action: 'retried a job', subject: job.name, detail });
  });
}
