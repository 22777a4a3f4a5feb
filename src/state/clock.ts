// The clock of an environment: a single row that writers lock in turn and that assigns their timestamps.
import type { PoolConnection } from 'mysql2/promise';
import { first, fromSqlInstant, run, sql, toSqlInstant, type Queryable } from '../database/sql.ts';

/**
 * The last assigned timestamp, and the time of the database server: program servers’ clocks differ, and one that runs
 * ahead must not date other writers’ rows.
 */
export type Clock = { instant: string; now: string };

/** Locks the clock until COMMIT, so that timestamps and commits have the same order. */
export async function lockClock(connection: PoolConnection): Promise<Clock> {
  // sysdate() instead of utc_timestamp(), which would be the time at which the statement began to wait for the lock.
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

/** How many milliseconds a timestamp may be ahead of the database server’s time and still be accepted. */
export const ALLOWANCE = 60_000;

/** The latest accepted timestamp: a later one was not assigned here, or by a clock that ran ahead. */
export const horizonOf = ({ instant, now }: Clock): number =>
  Math.max(Date.parse(instant), Date.parse(now) + ALLOWANCE);

export const isClockAhead = ({ instant, now }: Clock): boolean =>
  Date.parse(instant) > Date.parse(now) + ALLOWANCE;
