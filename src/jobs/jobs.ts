// The record of every job: what was asked for, how far it is, what came of it. Redis only runs jobs: one that
// it lost is put back from here.
import type { Pool } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import * as audit from '../audit/audit.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';

export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
export const jobStates: JobState[] = ['running', 'waiting', 'done', 'failed', 'cancelled'];

export type Job = {
  id: string;
  number: number;
  kind: string;
  name: string;
  person: string;
  input: string;
  only_one: string | null;
  state: JobState;
  attempt: number;
  done_count: number;
  total_count: number;
  doing: string;
  report: string | null;
  /** Who wants it to stop; it does at its next step. */
  cancelled_by: string | null;
  problem: string | null;
  created_at: string;
  started_at: string | null;
  alive_at: string | null;
  ended_at: string | null;
};

/** A worker that says nothing for longer is taken for dead. */
export const SILENCE = 15_000;

const now = sql`utc_timestamp(3)`;
const silentFor = (milliseconds: number) =>
  sql`utc_timestamp(3) - interval ${milliseconds * 1000} microsecond`;

export type Wanted = {
  kind: string;
  name: string;
  person: string;
  input: object;
  /** While a job with this word lives, there is no second one. */
  onlyOne?: string;
};

/** Writes a job down; answers the one that lives already where there may be only one. */
export function request(
  pool: Pool,
  { kind, name, person, input, onlyOne }: Wanted,
): Promise<{ job: Job; isNew: boolean }> {
  const id = uuid();
  return transaction(pool, async (on) => {
    await run(
      on,
      sql`insert into job (id, kind, name, person, input, state, only_one, created_at)
          values (${id}, ${kind}, ${name.slice(0, 200)}, ${person}, ${JSON.stringify(input)}, 'waiting',
            ${onlyOne ?? null}, ${now})
          on duplicate key update only_one = only_one`,
    );
    const job = await first<Job>(
      on,
      sql`select * from job where id = ${id} or only_one = ${onlyOne ?? null} order by id = ${id} desc limit 1`,
    );
    if (!job) throw new Error('The job was not written down');
    const isNew = job.id === id;
    if (isNew) await audit.write(on, { person, action: 'asked for a job', subject: name });
    return { job, isNew };
  });
}

export const byId = (on: Queryable, id: string) =>
  first<Job>(on, sql`select * from job where id = ${id}`);

export const byNumber = (on: Queryable, number: number) =>
  first<Job>(on, sql`select * from job where number = ${number}`);

/** The job that lives under a word of `onlyOne`. */
export const active = (on: Queryable, word: string) =>
  first<Job>(on, sql`select * from job where only_one = ${word}`);

/** The newest of a kind. */
export const newest = (on: Queryable, kind: string, limit = 10) =>
  select<Listed>(
    on,
    sql`select ${inList} from job where kind = ${kind} order by number desc limit ${limit}`,
  );

/** A list does not need what may be large. */
export type Listed = Omit<Job, 'report' | 'only_one'>;
const inList = sql`id, number, kind, name, person, input, state, attempt, done_count, total_count, doing, cancelled_by, problem,
               created_at, started_at, alive_at, ended_at`;

export type Filter = { state: string; kind: string; before: number | null };

/** Those that run first, then the newest; 50 a page, below `before`. */
export const list = (on: Queryable, { state, kind, before }: Filter) =>
  select<Listed>(
    on,
    sql`select ${inList} from job
         where (${state} = '' or state = ${state}) and (${kind} = '' or kind = ${kind})
           and (${before} is null or number < ${before})
         order by state = 'running' desc, number desc
         limit 50`,
  );

/** Takes a job that waits, or whose worker fell silent; null when there is nothing to take. */
export async function begin(on: Queryable, id: string): Promise<Job | null> {
  const found = await run(
    on,
    sql`update job
           set state = 'running', attempt = attempt + 1, alive_at = ${now}, problem = null,
               started_at = coalesce(started_at, ${now})
         where id = ${id} and (state = 'waiting' or (state = 'running' and alive_at < ${silentFor(SILENCE)}))`,
  );
  return found === 1 ? ((await byId(on, id)) ?? null) : null;
}

/** Says why a job is not begun yet; it is asked for again in a few seconds. */
export const postpone = (on: Queryable, id: string, problem: string) =>
  run(
    on,
    sql`update job set problem = ${problem}, alive_at = ${now} where id = ${id} and state = 'waiting'`,
  );

/** This worker was overtaken: it stops. */
export class Overtaken extends Error {}
/** A person wants the job to stop here. */
export class Cancelled extends Error {}

const mine = ({ id, attempt }: Job) =>
  sql`id = ${id} and attempt = ${attempt} and state = 'running'`;

/** `result` is kept: another attempt goes on from it. */
export type Progress = { done: number; total: number; doing: string; result?: unknown };

/** @throws Overtaken, Cancelled */
export async function report(on: Queryable, job: Job, { done, total, doing, result }: Progress) {
  await run(
    on,
    sql`update job set done_count = ${done}, total_count = ${total}, doing = ${doing.slice(0, 300)},
               report = coalesce(${result === undefined ? null : JSON.stringify(result)}, report),
               alive_at = ${now}
         where ${mine(job)}`,
  );
  const own = await first<Job>(on, sql`select cancelled_by from job where ${mine(job)}`);
  if (!own) throw new Overtaken(`Job ${job.number} is in other hands`);
  if (own.cancelled_by) throw new Cancelled(`Cancelled by ${own.cancelled_by}`);
}

export const heartbeat = (on: Queryable, job: Job) =>
  run(on, sql`update job set alive_at = ${now} where ${mine(job)}`);

export const finish = (on: Queryable, job: Job, result: unknown) =>
  run(
    on,
    sql`update job set state = 'done', ended_at = ${now}, only_one = null, doing = '',
               done_count = greatest(done_count, total_count), report = ${JSON.stringify(result ?? null)}
         where ${mine(job)}`,
  );

export const fail = (on: Queryable, job: Job, problem: string) =>
  run(
    on,
    sql`update job set state = 'failed', ended_at = ${now}, only_one = null, problem = ${problem}
         where ${mine(job)}`,
  );

/** It will be tried again by itself. */
export const retryLater = (on: Queryable, job: Job, problem: string) =>
  run(on, sql`update job set state = 'waiting', problem = ${problem} where ${mine(job)}`);

/** One that waits ends at once; one that runs, at its next report. Answers whether there was something to stop. */
export const cancel = (here: Environment, { id, name }: Pick<Job, 'id' | 'name'>, person: string) =>
  transaction(here.sql, async (connection) => {
    const found = await run(
      connection,
      sql`update job set cancelled_by = ${person},
                 ended_at = if(state = 'waiting', ${now}, null),
                 only_one = if(state = 'waiting', null, only_one),
                 state = if(state = 'waiting', 'cancelled', state)
           where id = ${id} and state in ('waiting', 'running') and cancelled_by is null`,
    );
    if (found === 1) {
      await audit.write(connection, { person, action: 'cancelled a job', subject: name });
    }
    return found === 1;
  });

/** It has stopped; what it came to is kept. */
export const endCancelled = (on: Queryable, job: Job) =>
  run(
    on,
    sql`update job set state = 'cancelled', ended_at = ${now}, only_one = null where ${mine(job)}`,
  );

/** Forgets what ended long ago. */
export const purgeExpired = ({ sql: on }: Environment) =>
  run(on, sql`delete from job where ended_at < ${now} - interval 90 day`);

/** Jobs that wait for longer than a moment (the longer the oftener they were tried), or whose worker fell silent. */
export const stalled = (on: Queryable) =>
  select<Listed>(
    on,
    sql`select ${inList} from job
         where (state = 'waiting'
                and coalesce(alive_at, created_at) < ${now} - interval least(5 + 5 * attempt, 60) second)
            or (state = 'running' and alive_at < ${silentFor(SILENCE)})
         order by number limit 100`,
  );
