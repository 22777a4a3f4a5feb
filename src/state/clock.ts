// The clock line that serializes the writers of an environment.
import type { PoolConnection } from 'mysql2/promise';
import { first, fromSqlInstant, run, sql, toSqlInstant, type Queryable } from '../database/sql.ts';

/**
 * The last instant that was given out, and the time of the database: the clocks of programs differ, and one
 * that runs ahead must not date what others write.
 */
export type Clock = { instant: string; now: string };

/** Locks the clock line until COMMIT, so that instants and commits come in one order. */
export async function lockClock(connection: PoolConnection): Promise<Clock> {
  // Not utc_timestamp(), which is when the statement began to wait for the line.
  const clock = await first<Clock>(
    connection,
    sql`select instant, sysdate(3) as now from clock where name = 'clock' for update`,
  );
  return clockFrom(clock);
}

/** The clock line as it is, without a lock. */
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

/** Milliseconds by which an instant may be ahead of the database's time and is still believed. */
export const ALLOWANCE = 60_000;

/** The latest instant that is believed: a later one was not given out here, or by a clock that ran ahead. */
export const horizonOf = ({ instant, now }: Clock): number =>
  Math.max(Date.parse(instant), Date.parse(now) + ALLOWANCE);

export const isClockAhead = ({ instant, now }: Clock): boolean =>
  Date.parse(instant) > Date.parse(now) + ALLOWANCE;
