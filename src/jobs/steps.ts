// Records the steps and log lines of a job, which the job’s page shows.
import { first, run, select, sql, type Queryable } from '../database/sql.ts';
import { mine } from './fence.ts';
import { Overtaken } from './interrupted.ts';
import { now, type Job } from './jobs.ts';

export type Step = {
  position: number;
  name: string;
  /** The state of a step; `stopped` means that the attempt was interrupted during the step. */
  state: 'running' | 'done' | 'failed' | 'stopped';
  attempt: number;
  started_at: string;
  ended_at: string | null;
};

export const stepsOf = (on: Queryable, job: string) =>
  select<Step>(
    on,
    sql`select position, name, state, attempt, started_at, ended_at
          from job_step where job = ${job} order by position`,
  );

/** Reads the stored result of a finished step; undefined when the step is not finished. */
export async function resultOf(on: Queryable, job: Job, name: string) {
  return first<{ result: string | null }>(
    on,
    sql`select result from job_step where job = ${job.id} and name = ${name} and state = 'done'`,
  );
}

/** Reads the stored results of all steps of a job, including the partial results of unfinished steps. */
export const resultsOf = (on: Queryable, job: string) =>
  select<{ name: string; result: string | null }>(
    on,
    sql`select name, result from job_step where job = ${job} order by position`,
  );

/** Stores the partial result of a running step when its attempt ends. */
export const keepResult = (on: Queryable, { id, attempt }: Job, name: string, result: unknown) =>
  run(
    on,
    sql`update job_step set result = ${JSON.stringify(result)}
         where job = ${id} and name = ${name} and attempt = ${attempt} and state = 'running'`,
  );

/**
 * Records that a step of the job begins.
 * @throws Overtaken when another worker has taken over the job
 */
export async function beginStep(on: Queryable, job: Job, name: string) {
  const found = await run(
    on,
    sql`insert into job_step (job, position, name, state, attempt, started_at)
        select id, (select count(*) + 1 from job_step as before_it where job = ${job.id}), ${name}, 'running',
               attempt, ${now}
          from job where ${mine(job)}
        on duplicate key update
          started_at = if(job_step.state = 'running', job_step.started_at, ${now}),
          state = 'running', attempt = ${job.attempt}, result = null, ended_at = null`,
  );
  if (found === 0) throw new Overtaken(`Job ${job.number} was taken over by another worker`);
}

/** Records a step that was done when the job was requested, before the first attempt. */
export const recordStep = (on: Queryable, job: Job, name: string, result: unknown) =>
  run(
    on,
    sql`insert into job_step (job, position, name, state, attempt, result, started_at, ended_at)
        values (${job.id}, 1, ${name}, 'done', 0, ${JSON.stringify(result)}, ${now}, ${now})`,
  );

export const endStep = (
  on: Queryable,
  { id, attempt }: Job,
  name: string,
  { state, result }: { state: Step['state']; result?: unknown },
) =>
  run(
    on,
    sql`update job_step set state = ${state}, ended_at = ${now}, result = ${JSON.stringify(result ?? null)}
         where job = ${id} and name = ${name} and attempt = ${attempt}`,
  );

/** Ends the running steps of a job when its attempt ends, or when the next step begins. */
export const endSteps = (on: Queryable, { id }: Pick<Job, 'id'>, state: Step['state']) =>
  run(
    on,
    sql`update job_step set state = ${state}, ended_at = ${now} where job = ${id} and state = 'running'`,
  );

/** How many log lines of a job are kept. */
const LINES_KEPT = 500;

export async function log(on: Queryable, job: Job, text: string) {
  await run(
    on,
    sql`insert into job_log (job, attempt, at, text)
        select id, attempt, ${now}, ${text.slice(0, 1000)} from job where ${mine(job)}`,
  );
}

/** Deletes the oldest log lines of a job, and keeps the last LINES_KEPT. */
export async function trimLog(on: Queryable, { id }: Job) {
  const kept = await first<{ id: number }>(
    on,
    sql`select id from job_log where job = ${id} order by id desc limit 1 offset ${LINES_KEPT}`,
  );
  if (kept) await run(on, sql`delete from job_log where job = ${id} and id <= ${kept.id}`);
}

type LogLine = { attempt: number; at: string; text: string };

/** The last log lines of a job, oldest first. */
export async function lastLines(on: Queryable, job: string, limit = 30): Promise<LogLine[]> {
  const lines = await select<LogLine>(
    on,
    sql`select attempt, at, text from job_log where job = ${job} order by id desc limit ${limit}`,
  );
  return lines.toReversed();
}
