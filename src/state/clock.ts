// The clock of an environment: the row `clock` of the table `clock`. Every writer locks it in turn and takes its
// timestamps from it, so that no row gets an earlier `modified_at` than a row that apps have read already.
import type { PoolConnection } from 'mysql2/promise';
import { first, fromSqlInstant, run, sql, toSqlInstant, type Queryable } from '../database/sql.ts';

/**
 * `instant`: the last timestamp that was assigned. `now`: the time of the database server. The clocks of program
 * servers are not used: they differ, and one that runs fast must not date the rows of other writers.
 */
export type Clock = { instant: string; now: string };

/** Locks the clock row until COMMIT, so that rows become visible in the order of their timestamps. */
export async function lockClock(connection: PoolConnection): Promise<Clock> {
  // sysdate() is the time when the lock was granted; utc_timestamp() would be the time when the statement began to
  // wait for it.
  const clock = await first<Clock>(
    connection,
    sql`select instant, sysdate(3) as now from clock where name = 'clock' for update`,
  );
  return clockFrom(clock);
}

/** Reads the clock without locking it, for pages and checks that only read. */
export const readClock = async (on: Queryable): Promise<Clock> =>
  clockFrom(
    await first<Clock>(on, sql`select instant, sysdate(3) as now from clock where name = 'clock'`),
  );

function clockFrom(clock: Clock | undefined): Clock {
  if (!clock) throw new Error('The clock line is missing: run the migrations');
  return { instant: fromSqlInstant(clock.instant), now: fromSqlInstant(clock.now) };
}

export const setClock = (connection: PoolConnection, instant: string) =>
  run(connection, sql`update clock set instant = ${toSqlInstant(instant)} where name = 'clock'`);

/** By how many milliseconds a timestamp may be later than the time of the database server and still be accepted. */
export const ALLOWANCE = 60_000;

/**
 * The latest accepted timestamp, in milliseconds since 1970. A later one was written by another program, or by a
 * server whose clock ran fast.
 */
export const horizonOf = ({ instant, now }: Clock): number =>
  Math.max(Date.parse(instant), Date.parse(now) + ALLOWANCE);

export const isClockAhead = ({ instant, now }: Clock): boolean =>
  Date.parse(instant) > Date.parse(now) + ALLOWANCE;
