// The clock line that serializes the writers of an environment, and the instants drawn under it.
import type { PoolConnection } from 'mysql2/promise';
import { first, fromSqlInstant, run, sql, toSqlInstant } from '../database/sql.ts';
import type { StoredDocument } from '../rows/mongo.ts';

/** Locks the clock line until COMMIT, so that instants and commits come in one order. */
export async function lockClock(connection: PoolConnection): Promise<string> {
  const clock = await first<{ instant: string }>(
    connection,
    sql`select instant from clock where name = 'clock' for update`,
  );
  if (!clock) throw new Error('The clock line is missing: run the migrations');
  return fromSqlInstant(clock.instant);
}

export const setClock = (connection: PoolConnection, instant: string) =>
  run(connection, sql`update clock set instant = ${toSqlInstant(instant)} where name = 'clock'`);

/** An instant later than now, than the clock, and than every instant on the rows and documents. */
export function laterThan(
  clock: string,
  rows: string[],
  stored: Map<string, StoredDocument>,
): string {
  const documents = [...stored.values()].map((one) =>
    Math.max(one.modified_at?.getTime() ?? 0, one.removed_at?.getTime() ?? 0),
  );
  const before = [clock, ...rows].map((instant) => Date.parse(instant) + 1);
  return new Date(
    Math.max(Date.now(), ...before, ...documents.map((instant) => instant + 1)),
  ).toISOString();
}

export const next = (instant: string) => new Date(Date.parse(instant) + 1).toISOString();
