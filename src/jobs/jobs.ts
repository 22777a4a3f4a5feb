// The MySQL record of every job: its request, progress and outcome. Redis only queues jobs; those it loses are queued
// again from here.
import type { PoolConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import * as audit from '../audit/audit.ts';
import {
  first,
  run,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';

export const jobStates = [
  'running',
  'waiting',
  'waiting_children',
  'done',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof jobStates)[number];
export const liveStates: JobState[] = ['running', 'waiting', 'waiting_children'];
export const isLive = ({ state }: Pick<Job, 'state'>) => liveStates.includes(state);

/** Jobs of one queue start by priority; those of equal priority in the order of their requests. */
export type Priority = 'high' | 'normal' | 'low';

export type Job = {
  id: string;
  number: number;
  kind: string;
  /** The job’s priority; null means that of its task. */
  priority: Priority | null;
  name: string;
  person: string;
  input: string;
  only_one: string | null;
  state: JobState;
  /** The number of the attempt: the worker of an earlier attempt cannot change the job any more. */
  attempt: number;
  /**
   * How many attempts do not count towards the limit of the job’s kind, because the job was retried by a person
   * since.
   */
  attempts_before: number;
  done_count: number;
  total_count: number;
  doing: string;
  report: string | null;
  /** The person who cancelled the job; a running one then stops at its next progress report. */
  cancelled_by: string | null;
  problem: string | null;
  /** The parent job that requested this one, and its key among the child jobs. */
  parent: string | null;
  child_key: string | null;
  created_at: string;
  /** The earliest time at which the first or next attempt starts. */
  run_at: string | null;
  started_at: string | null;
  alive_at: string | null;
  ended_at: string | null;
};

/** After how many milliseconds without a heartbeat a worker counts as dead. */
export const SILENCE_MS = 15_000;

export const now = sql`utc_timestamp(3)`;
export const silentFor = (milliseconds: number) =>
  sql`utc_timestamp(3) - interval ${milliseconds * 1000} microsecond`;

export type JobRequest = {
  kind: string;
  name: string;
  person: string;
  input: object;
  /** A key of which only one job may be active: while it has not ended, no second one is recorded. */
  onlyOne?: string;
  priority?: Priority;
  /** A timestamp in ISO 8601 before which the job does not start. */
  runAt?: string;
};

/**
 * Records a job, or returns the active one with its `onlyOne` key. On a connection the record is part of the caller’s
 * transaction: queue the job after the commit. If the process dies before that, a periodic check queues it.
 */
export function request(on: Queryable, wanted: JobRequest): Promise<{ job: Job; isNew: boolean }> {
  return 'getConnection' in on
    ? transaction(on, (connection) => record(connection, wanted))
    : record(on, wanted);
}

async function record(on: PoolConnection, wanted: JobRequest) {
  const { kind, name, person, input, onlyOne, priority, runAt } = wanted;
  const id = uuid();
  await run(
    on,
    sql`insert into job (id, kind, priority, name, person, input, state, only_one, created_at, run_at)
        values (${id}, ${kind}, ${priority ?? null}, ${name.slice(0, 200)}, ${person}, ${JSON.stringify(input)},
          'waiting', ${onlyOne ?? null}, ${now}, ${runAt ? toSqlInstant(runAt) : null})
        on duplicate key update only_one = only_one`,
  );
  const job = await first<Job>(
    on,
    sql`select * from job where id = ${id} or active_key = ${onlyOne ?? null} order by id = ${id} desc limit 1`,
  );
  if (!job) throw new Error('The job was not recorded');
  const isNew = job.id === id;
  if (isNew) await audit.write(on, { person, action: 'requested a job', subject: name });
  return { job, isNew };
}

export const byId = (on: Queryable, id: string) =>
  first<Job>(on, sql`select * from job where id = ${id}`);

export const byNumber = (on: Queryable, number: number) =>
  first<Job>(on, sql`select * from job where number = ${number}`);

/** The active job with this `onlyOne` key; undefined if there is none. */
export const active = (on: Queryable, key: string) =>
  first<Job>(on, sql`select * from job where active_key = ${key}`);

/** The newest jobs of a kind. */
export const newest = (on: Queryable, kind: string, limit = 10) =>
  select<Listed>(
    on,
    sql`select ${inList} from job where kind = ${kind} order by number desc limit ${limit}`,
  );

/** A job as lists show it, without the columns that may be large. */
export type Listed = Omit<Job, 'report' | 'only_one'>;
const inList = sql`id, number, kind, priority, name, person, input, state, attempt, attempts_before, done_count,
                   total_count, doing, cancelled_by, problem, parent, child_key, created_at, run_at, started_at,
                   alive_at, ended_at`;

export type Filter = { state: string; kind: string; before: number | null };

/**
 * Lists jobs, running ones first, then the newest; 50 a page, with numbers below `before`. A child job is listed on
 * its parent’s page only.
 */
export const list = (on: Queryable, { state, kind, before }: Filter) =>
  select<Listed>(
    on,
    sql`select ${inList} from job
         where (${state} = '' or state = ${state}) and (${kind} = '' or kind = ${kind})
           and (${before} is null or number < ${before})
           and (parent is null or ${state} <> '' or ${kind} <> '')
         order by state = 'running' desc, number desc
         limit 50`,
  );

/**
 * Deletes jobs that ended more than 90 days ago, with their steps, log and child jobs, unless one of their dead
 * letters is open.
 */
export async function purgeExpired({ sql: on }: Environment): Promise<number> {
  const expired = await select<{ id: string }>(
    on,
    sql`select job.id from job
         where job.parent is null and job.ended_at < ${now} - interval 90 day
           and not exists (
             select 1 from dead_letter join job as owner on owner.id = dead_letter.job
              where dead_letter.state = 'open' and (owner.id = job.id or owner.parent = job.id))
         limit 1000`,
  );
  return run(on, sql`delete from job where id in (${expired.map(({ id }) => id)})`);
}

/** Jobs that should run and do not: due some seconds ago and not started, or their worker died. */
export const stalled = (on: Queryable) =>
  select<Listed>(
    on,
    sql`select ${inList} from job
         where (state = 'waiting' and coalesce(run_at, created_at) < ${now} - interval 5 second)
            or (state = 'running' and alive_at < ${silentFor(SILENCE_MS)})
         order by field(priority, 'high', 'normal', 'low'), number limit 1000`,
  );
