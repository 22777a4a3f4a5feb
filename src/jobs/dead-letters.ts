// Dead letters are items of a job, such as one file of many, that failed for good. Oneway keeps each item with its
// content until a person retries or discards it.
import { reasonOf } from '../environments/unreachable.ts';
import type { PoolConnection } from 'mysql2/promise';
import { z } from 'zod';
import * as audit from '../audit/audit.ts';
import { LINES, type PartOf } from '../database/newest-first.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict, NotFound, Problem } from '../problems.ts';
import { mine } from './fence.ts';
import { Interrupted, Overtaken } from './interrupted.ts';
import { active, now, request, type Job, type JobState, type Priority } from './jobs.ts';
import { isPassing } from './passing.ts';
import { task, type Failure, type Task, type Tasks } from './task.ts';

export const letterStates = ['open', 'done', 'discarded'] as const;

type DeadLetter = {
  id: number;
  job: string;
  kind: string;
  item_key: string;
  reason: string;
  payload: string;
  attempts: number;
  state: (typeof letterStates)[number];
  retry_job: string | null;
  failed_at: string;
  /** What the item belongs to, such as an account. */
  subject: string | null;
  /** A short code by which failures are grouped. */
  cause: string | null;
  /** Why a person discarded the dead letter. */
  note: string | null;
  ended_by: string | null;
  ended_at: string | null;
};

/**
 * Records a failed item of a running job as a dead letter. If the item is a dead letter of this job
 * already, counts one more attempt.
 * @throws Overtaken when another worker has taken over the job
 */
export async function record(
  on: Queryable,
  job: Job,
  { key, reason, payload, subject = null, cause = null }: Failure,
) {
  const found = await run(
    on,
    sql`insert into dead_letter (job, kind, item_key, reason, payload, subject, cause, failed_at)
        select id, kind, ${key}, ${reason}, ${JSON.stringify(payload ?? null)}, ${subject}, ${cause}, ${now}
          from job where ${mine(job)}
        on duplicate key update
          reason = ${reason}, payload = values(payload), attempts = attempts + 1,
          state = 'open', failed_at = ${now}, ended_by = null, ended_at = null, note = null`,
  );
  if (found === 0) throw new Overtaken(`Job ${job.number} was taken over by another worker`);
}

type Filter = PartOf & { state: string; kind: string };
export type Listed = DeadLetter & {
  job_number: number;
  job_name: string;
  retry_number: number | null;
  retry_state: JobState | null;
};

/** Lists dead letters, newest first. */
export const list = (on: Queryable, { state, kind, before = null, limit = LINES }: Filter) =>
  select<Listed>(
    on,
    sql`select dead_letter.*, job.number as job_number, job.name as job_name,
               retry.number as retry_number, retry.state as retry_state
          from dead_letter
          join job on job.id = dead_letter.job
          left join job as retry on retry.id = dead_letter.retry_job
         where (${state} = '' or dead_letter.state = ${state}) and (${kind} = '' or dead_letter.kind = ${kind})
           and (${before} is null or dead_letter.id < ${before})
         order by dead_letter.id desc limit ${limit}`,
  );

export async function countOpen(on: Queryable, job: string | null = null): Promise<number> {
  const counted = await first<{ number: number }>(
    on,
    sql`select count(*) as number from dead_letter where state = 'open' and (${job} is null or job = ${job})`,
  );
  return counted?.number ?? 0;
}

export const byId = (on: Queryable, id: number) =>
  first<DeadLetter>(on, sql`select * from dead_letter where id = ${id}`);

const DEAD_LETTER = 'dead-letter';
const keyOf = (id: number) => `${DEAD_LETTER} ${id}`;

/**
 * Requests a job that retries an open dead letter. The caller must then queue the job. `priority`
 * is low when many dead letters are retried at once and nobody waits for them.
 */
export const retry = (
  here: Environment,
  id: number,
  person: string,
  priority: Priority = 'high',
): Promise<Job> =>
  transaction(here.sql, async (on) => {
    const letter = await takeOpen(on, id);
    const { job, isNew } = await request(on, {
      kind: DEAD_LETTER,
      name: `Retry of ${letter.item_key}`,
      person,
      input: { letter: id },
      onlyOne: keyOf(id),
      priority,
    });
    await run(on, sql`update dead_letter set retry_job = ${job.id} where id = ${id}`);
    if (isNew) {
      const { item_key: subject, reason: detail } = letter;
      await audit.write(on, { person, action: 'retried a dead letter', subject, detail });
    }
    return job;
  });

/**
 * Discards a dead letter. `note` says why. `also` is a function of the caller that gets the payload and runs in the
 * same transaction.
 * @throws Conflict while a job retries the dead letter
 */
export const discard = (
  here: Environment,
  id: number,
  {
    person,
    note,
    also,
  }: {
    person: string;
    note: string;
    also?: (on: PoolConnection, payload: unknown) => Promise<unknown>;
  },
) =>
  transaction(here.sql, async (on) => {
    const { item_key: subject, reason, payload } = await takeOpen(on, id);
    if (await active(on, keyOf(id))) throw new Conflict('This item is being retried right now.');
    await end(on, id, { state: 'discarded', person, note });
    await also?.(on, JSON.parse(payload));
    const detail = `${note} (${reason})`;
    await audit.write(on, { person, action: 'discarded a dead letter', subject, detail });
  });

/**
 * Discards the open dead letters of a subject, such as an account, because a new job processes all items of this
 * subject again.
 */
export const supersede = (on: Queryable, subject: string, note: string) =>
  run(
    on,
    sql`update dead_letter
           set state = 'discarded', note = ${note}, ended_at = ${now}
         where subject = ${subject} and state = 'open'`,
  );

async function takeOpen(on: PoolConnection, id: number): Promise<DeadLetter> {
  const letter = await first<DeadLetter>(
    on,
    sql`select * from dead_letter where id = ${id} for update`,
  );
  if (!letter) throw new NotFound('There is no such dead letter.');
  if (letter.state !== 'open') throw new Conflict(`This dead letter is ${letter.state} already.`);
  return letter;
}

const end = (
  on: Queryable,
  id: number,
  {
    state,
    person,
    note = null,
  }: { state: 'done' | 'discarded'; person: string; note?: string | null },
) =>
  run(
    on,
    sql`update dead_letter set state = ${state}, ended_by = ${person}, ended_at = ${now}, note = ${note}
         where id = ${id} and state = 'open'`,
  );

const failAgain = (on: Queryable, id: number, reason: string) =>
  run(
    on,
    sql`update dead_letter set reason = ${reason}, attempts = attempts + 1, failed_at = ${now}
         where id = ${id} and state = 'open'`,
  );

/** Returns the given kinds of job, and the kind of job that retries their dead letters. */
export const withDeadLetters = (tasks: Tasks): Tasks => ({
  ...tasks,
  [DEAD_LETTER]: retryTask(tasks),
});

const retryTask = (tasks: Tasks): Task =>
  task(z.object({ letter: z.number() }), {
    label: 'Retry of a dead letter',
    attempts: 20,
    mayBeCancelled: true,
    run: async (work, { letter: id }) => {
      const on = work.here.sql;
      const letter = await byId(on, id);
      // The dead letter is no longer open: an earlier attempt of this job retried it successfully, but the process died
      // before the job ended.
      if (letter?.state !== 'open') return { letter: id };
      const retryItem = tasks[letter.kind]?.retryItem;
      if (!retryItem) throw new Problem(422, `Items of “${letter.kind}” cannot be retried.`);
      const settle = async (connection: Queryable) =>
        (await end(connection, id, { state: 'done', person: work.job.person })) === 1;
      try {
        await retryItem(work, JSON.parse(letter.payload), settle);
      } catch (error) {
        const isOver = !(error instanceof Interrupted || isPassing(error));
        if (isOver) await failAgain(on, id, reasonOf(error));
        throw error;
      }
      await settle(on);
      return { letter: id };
    },
  });
