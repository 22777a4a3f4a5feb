// Stores the orders that this server sends to a staging server. Each run of a staging job sends one order: to make a
// staging database, or to drop some. An order is recorded before it is sent, and sent again with the same id until the
// staging server acknowledges it. Then this server asks for the order’s progress, and in the end notifies the person
// who ordered.
import { createHmac } from 'node:crypto';
import type { PoolConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import { isSameHash } from '../access/secrets.ts';
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
import type { App } from '../environments/app.ts';
import { emailAbout, notify } from '../messages/messages.ts';
import { Conflict } from '../problems.ts';
import type { NamedResult } from './drop.ts';
import { subjectOf } from './staging-jobs.ts';

/** The state of an order to the staging server. `asking`: the staging server has not acknowledged the order yet. */
export type OrderStatus = 'asking' | 'running' | 'done' | 'error';

export type Order = {
  id: string;
  job: number;
  attempt: number;
  state: OrderStatus;
  name: string | null;
  person: string;
  step: string;
  done_count: number;
  total_count: number;
  problem: string | null;
  url: string | null;
  until: string | null;
  /** For an order that drops databases: the result for each database name, as JSON. */
  results: string | null;
  next_at: string | null;
  created_at: string;
  answered_at: string | null;
  ended_at: string | null;
};

/** Lists the orders that a staging job has sent to its staging server, newest first. */
export const ofJob = (on: Queryable, job: number) =>
  select<Order>(on, sql`select * from staging_order where job = ${job} order by attempt desc`);

export const byId = (on: Queryable, id: string) =>
  first<Order>(on, sql`select * from staging_order where id = ${id}`);

/** Reads the newest order of each of these staging jobs. */
export const newestOf = (on: Queryable, jobs: number[]) =>
  select<Order>(
    on,
    sql`select staging_order.* from staging_order
          join (select job, max(attempt) as attempt from staging_order where job in (${jobs}) group by job)
            as newest on newest.job = staging_order.job and newest.attempt = staging_order.attempt`,
  );

/**
 * Lists the orders that are due: orders to send again, and orders whose progress is to be asked
 * for.
 */
export const due = (on: Queryable) =>
  select<Order>(
    on,
    sql`select * from staging_order
         where state in ('asking', 'running') and next_at <= utc_timestamp(3)
         order by next_at limit 100`,
  );

/**
 * Records an order for a staging job that is a draft or has failed, and sets the job to running.
 * @throws Conflict if the job is running or done
 */
export const record = (here: App, job: number, person: string): Promise<Order> =>
  transaction(here.sql, async (on) => {
    const found = await run(
      on,
      sql`update staging_job set state = 'running' where number = ${job} and state in ('draft', 'error')`,
    );
    if (found === 0) throw new Conflict('This job is running or done already. Reload the page.');
    const id = uuid();
    await run(
      on,
      sql`insert into staging_order (id, job, attempt, state, person, next_at, created_at)
          select ${id}, ${job}, coalesce(max(attempt), 0) + 1, 'asking', ${person},
                 utc_timestamp(3) + interval 15 second, utc_timestamp(3)
            from staging_order where job = ${job}`,
    );
    await audit.write(on, { person, action: 'ran a staging job', subject: subjectOf(job) });
    const order = await byId(on, id);
    if (!order) throw new Error('The order was not recorded');
    return order;
  });

/**
 * Returns the secret key of an order. The staging server sends this key with its callback, which
 * proves that the callback comes from the staging server and is about this order.
 */
export const keyOf = ({ settings }: App, id: string): string =>
  createHmac('sha256', settings.session.secret).update(`staging order\n${id}`).digest('base64url');

export const isKeyOf = (here: App, id: string, key: string): boolean =>
  isSameHash(keyOf(here, id), key);

/**
 * Records that the staging server has accepted an order. `name`: the name that the staging database
 * will have.
 */
export const acknowledge = (on: Queryable, { id }: Order, name: string | null) =>
  run(
    on,
    sql`update staging_order
           set state = 'running', name = ${name}, problem = null, answered_at = utc_timestamp(3),
               next_at = utc_timestamp(3) + interval 2 second
         where id = ${id} and state = 'asking'`,
  );

type Progress = { step: string; done: number; total: number };

/**
 * Records the progress of an order, and when to ask the staging server again: after 2 seconds at
 * first, then less and less often, up to once a minute.
 */
export const keepProgress = (on: Queryable, { id }: Order, { step, done, total }: Progress) =>
  run(
    on,
    sql`update staging_order
           set step = ${step.slice(0, 200)}, done_count = ${done}, total_count = ${total}, problem = null,
               answered_at = utc_timestamp(3),
               next_at = utc_timestamp(3) + interval
                 least(60, greatest(2, timestampdiff(second, created_at, utc_timestamp(3)) div 5)) second
         where id = ${id} and state = 'running'`,
  );

/**
 * Records that the staging server did not respond, and when to try again: after 5 seconds at first,
 * then less and less often, up to once a minute.
 */
export const postpone = (on: Queryable, { id }: Order, problem: string) =>
  run(
    on,
    sql`update staging_order
           set problem = ${problem},
               next_at = utc_timestamp(3) + interval
                 least(60, greatest(5, timestampdiff(second, created_at, utc_timestamp(3)) div 5)) second
         where id = ${id} and state in ('asking', 'running')`,
  );

export type Ending = {
  state: 'done' | 'error';
  name?: string | null | undefined;
  problem?: string | null | undefined;
  /** The time until which the new staging database is kept, in ISO 8601. */
  until?: string | null | undefined;
  url?: string | null | undefined;
  results?: NamedResult[];
};

/**
 * Ends an order and its staging job, in one commit. For a new database, the same commit notifies
 * the person who ordered. An order that has already ended is not changed, so that nobody is
 * notified twice.
 */
export const end = (here: App, order: Order, ending: Ending) =>
  transaction(here.sql, async (on) => {
    const { state, problem = null, until, url = null, results, name = order.name } = ending;
    const found = await run(
      on,
      sql`update staging_order
             set state = ${state}, name = ${name}, problem = ${problem}, url = ${url}, step = '',
                 until = ${until ? toSqlInstant(until) : null}, answered_at = utc_timestamp(3),
                 results = ${results ? JSON.stringify(results) : null},
                 done_count = greatest(done_count, total_count), next_at = null, ended_at = utc_timestamp(3)
           where id = ${order.id} and state in ('asking', 'running')`,
    );
    if (found === 0) return;
    await run(on, sql`update staging_job set state = ${state} where number = ${order.job}`);
    if (!results) await tell(here, on, { ...order, name }, ending);
    const subject = subjectOf(order.job);
    const line = { person: order.person, subject, detail: problem ?? name };
    await audit.write(on, { ...line, action: `ended a staging job: ${state}` });
  });

async function tell(here: App, on: PoolConnection, order: Order, ending: Ending) {
  const href = `/staging/jobs/${order.job}`;
  const isDone = ending.state === 'done';
  const what =
    order.name === null ? `The database of staging job ${order.job}` : `The database ${order.name}`;
  const subject = isDone ? `${order.name} is ready` : `${what} could not be made`;
  const email = emailAbout(here, subject);
  await notify(on, {
    event: isDone ? 'staging-job.done' : 'staging-job.failed',
    to: order.person,
    text: isDone ? readyText(what, ending) : failedText(what, ending),
    href: isDone ? (ending.url ?? href) : href,
    email: email && { ...email, messageId: order.id },
  });
}

const readyText = (name: string, { until }: Ending) =>
  `${name} is ready.${until ? ` It is kept until ${until.slice(0, 10)}; you can extend that.` : ''} Open it in the staging environment:`;

const failedText = (name: string, { problem }: Ending) =>
  `${name} could not be made: ${problem} When the cause is mended, click Run on the page of the job again:`;
