// Schedules request jobs at fixed times, once per environment. MySQL records the next run of each schedule, so that two
// processes never start the same run, and no run is skipped when Redis loses its data. After an outage, one run makes
// up for all missed runs.
import { getNextMillis } from 'bullmq';
import type { PoolConnection } from 'mysql2/promise';
import {
  first,
  run,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as jobs from './jobs.ts';

export type Schedule = {
  name: string;
  label: string;
  /** A cron pattern: minute, hour, day of the month, month, day of the week. */
  pattern: string;
  timeZone: string;
  kind: string;
  input: object;
  /**
   * The `onlyOne` key of the job. While a job with this key is active, that job counts as the run
   * of the schedule.
   */
  onlyOne?: string;
  /** Whether an environment has this schedule; without this function, every environment has it. */
  isFor?: (here: App) => boolean;
};

/** Finds the schedules of an environment: those of the program, and those that people have set up in its database. */
export type Schedules = (here: App) => Promise<Schedule[]>;

export const declaredFor = (here: App, schedules: Schedule[]) =>
  schedules.filter(({ isFor }) => isFor?.(here) !== false);

/** The first time after `after` at which a schedule is due, both in milliseconds since 1970. */
export function nextRun({ pattern, timeZone }: Schedule, after: number): number {
  const next = getNextMillis(after, { pattern, tz: timeZone });
  if (next === undefined) throw new Error(`The cron pattern “${pattern}” has no next time`);
  return next;
}

const instant = (milliseconds: number) => toSqlInstant(new Date(milliseconds).toISOString());

type Recorded = {
  name: string;
  pattern: string;
  time_zone: string;
  next_at: string;
  last_due_at: string | null;
  last_job: string | null;
};

/**
 * Records new schedules, and schedules with a changed pattern or time zone. Their next run is the
 * first one after now. The last run of a new schedule is the newest job with its `onlyOne` key, which
 * a person may have requested.
 */
export async function recordSchedules(here: App, schedules: Schedule[]) {
  const known = await select<Recorded>(here.sql, sql`select * from job_schedule`);
  for (const schedule of schedules) {
    const { name, pattern, timeZone, onlyOne = null } = schedule;
    const isRecorded = known.some(
      (one) => one.name === name && one.pattern === pattern && one.time_zone === timeZone,
    );
    if (!isRecorded) {
      const next = instant(nextRun(schedule, Date.now()));
      await run(
        here.sql,
        sql`insert into job_schedule (name, pattern, time_zone, next_at, last_job)
            values (${name}, ${pattern}, ${timeZone}, ${next},
              (select id from job where only_one = ${onlyOne} order by number desc limit 1))
            on duplicate key update
              next_at = if(pattern = ${pattern} and time_zone = ${timeZone}, next_at, ${next}),
              pattern = ${pattern}, time_zone = ${timeZone}`,
      );
    }
  }
}

/**
 * Removes the record of a schedule when a person switches the schedule off or on, in the caller’s transaction. The runs
 * that were due while the schedule was off then do not count as missed.
 */
export const forgetSchedule = (on: PoolConnection, name: string) =>
  run(on, sql`delete from job_schedule where name = ${name}`);

/**
 * Requests the job of a schedule whose next run was due by `until`. When several processes call
 * this at once, only one requests the job.
 */
export const runDue = (here: App, schedule: Schedule, until: number): Promise<jobs.Job | null> =>
  transaction(here.sql, async (on) => {
    const due = await first<Recorded>(
      on,
      sql`select * from job_schedule
           where name = ${schedule.name} and next_at <= ${instant(until)} for update`,
    );
    if (!due) return null;
    const { job } = await jobs.request(on, wanted(schedule, 'schedule'));
    // The next run must be later than the current run, even if this machine’s clock is slow.
    const after = Math.max(Date.now(), Date.parse(`${due.next_at.replace(' ', 'T')}Z`));
    await run(
      on,
      sql`update job_schedule
             set last_due_at = next_at, next_at = ${instant(nextRun(schedule, after))}, last_job = ${job.id}
           where name = ${schedule.name}`,
    );
    return job;
  });

const wanted = (
  { kind, label: name, input, onlyOne }: Schedule,
  person: string,
): jobs.JobRequest => ({
  kind,
  name,
  person,
  input,
  ...(onlyOne === undefined ? {} : { onlyOne }),
});

/** How many milliseconds late a run must be to count as missed. */
const MISSED_MS = 5000;

/** Requests the jobs of runs that were missed because Redis or all processes were down. */
export async function runMissed(here: App, schedules: Schedule[]): Promise<jobs.Job[]> {
  const found: jobs.Job[] = [];
  for (const schedule of schedules) {
    const job = await runDue(here, schedule, Date.now() - MISSED_MS);
    if (job) found.push(job);
  }
  return found;
}

/**
 * Requests the job of a schedule now, for a person, without changing the schedule’s next run. The
 * caller must then queue the job.
 */
export const runNow = (here: App, schedule: Schedule, person: string) =>
  transaction(here.sql, async (on) => {
    const asked = await jobs.request(on, wanted(schedule, person));
    await recordLastRun(on, schedule.name, asked.job);
    return asked;
  });

/** Records the job that is shown as the last run of a schedule. */
export const recordLastRun = (on: Queryable, name: string, { id }: jobs.Job) =>
  run(on, sql`update job_schedule set last_job = ${id} where name = ${name}`);

export type Shown = Schedule & {
  next_at: string | null;
  last: { number: number; state: jobs.JobState; created_at: string } | null;
};

/** Adds the next and the last run to each schedule, for the page that lists schedules. */
export async function shown(here: App, schedules: Schedule[]): Promise<Shown[]> {
  const lines = await select<
    Recorded & { number: number; state: jobs.JobState; created_at: string }
  >(
    here.sql,
    sql`select job_schedule.*, job.number, job.state, job.created_at
          from job_schedule left join job on job.id = job_schedule.last_job`,
  );
  return schedules.map((schedule) => {
    const line = lines.find(({ name }) => name === schedule.name);
    return {
      ...schedule,
      next_at: line?.next_at ?? null,
      last: line?.number ? line : null,
    };
  });
}
