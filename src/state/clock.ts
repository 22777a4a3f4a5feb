// The clock of an environment is the row `clock` of the table `clock`. Every writer locks this row and takes its
// timestamps from it, so that no row gets an earlier `modified_at` than a row that apps have already read.
import type { PoolConnection } from 'mysql2/promise';
import {
  first,
  fromSqlInstant,
  run,
  select,
  sql,
  toSqlInstant,
  unionAll,
  type Queryable,
  type Statement,
} from '../database/sql.ts';

/**
 * `instant`: the last assigned timestamp. `now`: the time of the database server. Oneway does not
 * use the clocks of its own servers: they differ, and one fast clock would give the rows of all
 * writers timestamps in the future.
 */
export type Clock = { instant: string; now: string };

/**
 * Locks the row of the table `clock` until COMMIT, so that rows become visible in the order of their timestamps.
 * `alongside`: statements to run after it in the same round trip; each selects two columns that are null.
 */
export async function lockClock(
  connection: PoolConnection,
  alongside: Statement[] = [],
): Promise<Clock> {
  // sysdate() returns the time at which the lock was granted; utc_timestamp() would return the time
  // at which the statement began to wait for the lock.
  const own = sql`select instant, sysdate(3) as now from clock where name = 'clock' for update`;
  const lines = await select<Clock>(connection, unionAll([own, ...alongside]));
  return clockFrom(lines.find(({ now }) => now !== null));
}

/** Reads the clock without locking it, for pages and checks that write nothing. */
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

/**
 * A timestamp may be at most this many milliseconds later than the time of the database server.
 */
export const ALLOWANCE = 60_000;

/**
 * The latest timestamp that counts as correct, in milliseconds since 1970. A later timestamp comes
 * from another program, or from a server whose clock ran fast.
 */
export const horizonOf = ({ instant, now }: Clock): number =>
  Math.max(Date.parse(instant), Date.parse(now) + ALLOWANCE);

export const isClockAhead = ({ instant, now }: Clock): boolean =>
  Date.parse(instant) > Date.parse(now) + ALLOWANCE;
