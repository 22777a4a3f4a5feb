// Child jobs: a parent job requests child jobs and waits for them; cancelling the parent job cancels them. MySQL
// records them, so that none is lost when Redis loses its data.
import type { PoolConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import {
  byPrimaryKey,
  first,
  run,
  select,
  sql,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import { mine } from './fence.ts';
import { AwaitingChildren, Overtaken } from './interrupted.ts';
import { isLive, liveStates, now, type Job, type JobState, type Priority } from './jobs.ts';

/**
 * `key` identifies a child job among its siblings, so that a later attempt of the parent job does
 * not request the same child job twice.
 */
export type ChildRequest = {
  key: string;
  kind: string;
  name: string;
  input: object;
  priority?: Priority;
};

export type Child = {
  key: string;
  number: number;
  kind: string;
  name: string;
  state: JobState;
  problem: string | null;
  /** The result that the child job’s task returned. */
  report: unknown;
};

/**
 * Records the child jobs of a job.
 * @throws Overtaken when another worker has taken over the parent job
 */
export function requestChildren(on: Queryable, job: Job, children: ChildRequest[]): Promise<void> {
  return 'getConnection' in on
    ? transaction(on, (connection) => insert(connection, job, children))
    : insert(on, job, children);
}

async function insert(on: PoolConnection, job: Job, children: ChildRequest[]) {
  const own = await first(on, sql`select id from job where ${mine(job)} for update`);
  if (!own) throw new Overtaken(`Job ${job.number} was taken over by another worker`);
  for (const { key, kind, name, input, priority } of children) {
    await run(
      on,
      sql`insert into job (id, kind, priority, name, person, input, state, parent, child_key, created_at)
          values (${uuid()}, ${kind}, ${priority ?? null}, ${name.slice(0, 200)}, ${job.person},
            ${JSON.stringify(input)}, 'waiting', ${job.id}, ${key}, ${now})
          on duplicate key update child_key = child_key`,
    );
  }
}

export async function childrenOf(on: Queryable, id: string): Promise<Child[]> {
  const rows = await select<Job>(
    on,
    sql`select child_key, number, kind, name, state, problem, report
          from job where parent = ${id} order by number`,
  );
  return rows.map(({ child_key: key, report, ...row }) => ({
    ...row,
    key: key ?? '',
    report: JSON.parse(report ?? 'null') as unknown,
  }));
}

/**
 * Returns the child jobs of a job once all have ended.
 * @throws AwaitingChildren while a child job has not ended
 */
export async function endedChildren(on: Queryable, { id }: Job): Promise<Child[]> {
  const children = await childrenOf(on, id);
  if (children.some(isLive)) throw new AwaitingChildren('Waiting for its child jobs');
  return children;
}

/** Lists the child jobs of a job that wait for a worker. */
export const waitingChildren = (on: Queryable, id: string) =>
  select<Job>(
    on,
    sql`select * from job where parent = ${id} and state = 'waiting' order by number`,
  );

/**
 * Locks the record of a job. Everywhere, parent jobs are locked before their child jobs, so that
 * transactions cannot deadlock.
 */
export const lock = (on: PoolConnection, id: string) =>
  first(on, sql`select id from job where id = ${id} for update`);

export async function hasLiveChildren(on: Queryable, id: string): Promise<boolean> {
  const live = await first(
    on,
    sql`select 1 from job where parent = ${id} and state in (${liveStates}) limit 1`,
  );
  return live !== undefined;
}

/**
 * Lets a parent job continue if its last child job has ended. The caller must have locked the
 * parent job.
 */
export async function wake(on: PoolConnection, id: string) {
  if (await hasLiveChildren(on, id)) return;
  await run(
    on,
    sql`update ${byPrimaryKey('job')} set state = 'waiting', run_at = ${now} where id = ${id} and state = 'waiting_children'`,
  );
}

/**
 * Cancels the child jobs of a job, their child jobs and so on, if they are of one of `kinds`. The
 * caller must have locked the job.
 */
export async function cancelChildren(
  on: PoolConnection,
  id: string,
  { person, kinds }: { person: string; kinds: string[] },
) {
  const parents = [id];
  for (const parent of parents) {
    const children = await select<{ id: string }>(
      on,
      sql`select id from job where parent = ${parent} and state in (${liveStates}) and kind in (${kinds}) for update`,
    );
    const ids = children.map((child) => child.id);
    await markCancelled(on, ids, person);
    parents.push(...ids);
  }
  for (const parent of parents.toReversed()) await wake(on, parent);
}

/**
 * Cancels jobs: a waiting job ends at once, a running job at its next progress report. Returns how
 * many of the jobs had neither ended nor been cancelled before.
 */
export const markCancelled = (on: PoolConnection, ids: string[], person: string) =>
  run(
    on,
    sql`update ${byPrimaryKey('job')}
           set cancelled_by = ${person},
               ended_at = if(state = 'waiting', ${now}, null),
               state = if(state = 'waiting', 'cancelled', state)
         where id in (${ids}) and state in (${liveStates}) and cancelled_by is null`,
  );
