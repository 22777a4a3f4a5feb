// The MySQL record of every job: its request, progress and outcome. Redis only queues jobs; a job that Redis loses is
// requeued from its MySQL record.
import type { PoolConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import * as audit from '../audit/audit.ts';
import { isByAndAt, LINES, type PartOf, type WhoAndWhen } from '../database/newest-first.ts';
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

/**
 * Jobs in a queue start by priority; jobs of equal priority start in the order of their requests.
 */
export type Priority = 'high' | 'normal' | 'low';

export type Job = {
  id: string;
  number: number;
  kind: string;
  /** The job’s priority; null means the priority that the kind of job declares. */
  priority: Priority | null;
  name: string;
  person: string;
  input: string;
  only_one: string | null;
  state: JobState;
  /**
   * The number of the current attempt. The worker of an earlier attempt can no longer change the
   * job.
   */
  attempt: number;
  /**
   * How many attempts do not count towards the limit of this kind of job: attempts that only waited, for example for
   * child jobs, and all attempts before a person retried the job.
   */
  attempts_before: number;
  done_count: number;
  total_count: number;
  doing: string;
  report: string | null;
  /** The person who cancelled the job. A running job then stops at its next progress report. */
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
  /**
   * Only one job with this key may be active: until that job has ended, no second job with the key
   * is recorded.
   */
  onlyOne?: string;
  priority?: Priority;
  /** A timestamp in ISO 8601 before which the job does not start. */
  runAt?: string;
};

/**
 * Records a job, or returns the active job with the same `onlyOne` key. If `on` is a connection,
 * the record is part of the caller’s transaction, and the caller must queue the job after the
 * commit. If the process dies before that, a periodic check queues the job.
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

/** A job as lists show it, without its columns `report` and `only_one`. */
export type Listed = Omit<Job, 'report' | 'only_one'>;
const inList = sql`id, number, kind, priority, name, person, input, state, attempt, attempts_before, done_count,
                   total_count, doing, cancelled_by, problem, parent, child_key, created_at, run_at, started_at,
                   alive_at, ended_at`;

export type Filter = WhoAndWhen & PartOf & { state: string; kind: string };

/**
 * Lists jobs, newest first; the first page begins with the running jobs. `before`: a further page, with jobs of lower
 * numbers only. A further page contains running jobs only if `state` selects them. Child jobs are listed only with a
 * filter by state or kind, because the page of their parent job lists them.
 */
export const list = (
  on: Queryable,
  { state, kind, before = null, limit = LINES, ...filter }: Filter,
) =>
  select<Listed>(
    on,
    sql`select ${inList} from job
         where (${state} = '' or state = ${state}) and (${kind} = '' or kind = ${kind})
           and (${before} is null or (number < ${before} and (state <> 'running' or ${state} = 'running')))
           and (parent is null or ${state} <> '' or ${kind} <> '')
           and ${isByAndAt(filter, { person: sql`person`, at: sql`created_at` })}
         order by state = 'running' desc, number desc
         limit ${limit}`,
  );

/**
 * Deletes jobs that ended more than 90 days ago, with their steps, log and child jobs. Jobs are
 * kept while a dead letter of them or of a child job is open.
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

/**
 * Lists jobs that should run but do not: they were due more than five seconds ago and have not
 * started, or their worker died.
 */
export const stalled = (on: Queryable) =>
  select<Listed>(
    on,
    sql`select ${inList} from job
         where (state = 'waiting' and coalesce(run_at, created_at) < ${now} - interval 5 second)
            or (state = 'running' and alive_at < ${silentFor(SILENCE_MS)})
         order by field(priority, 'high', 'normal', 'low'), number limit 1000`,
  );
