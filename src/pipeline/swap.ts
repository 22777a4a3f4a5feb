// The end of a pipeline run: one SQL statement replaces the dataset’s former table with the table that the run filled.
import { createHash } from 'node:crypto';
import type { PoolConnection } from 'mysql2/promise';
import { failpoint } from '../database/failpoints.ts';
import { first, name as quoted, run as change, sql } from '../database/sql.ts';
import { Problem, Unavailable } from '../problems.ts';
import type { Carrier } from './carrier.ts';
import * as runs from './runs.ts';
import type { Run } from './runs.ts';
import * as target from './target.ts';

/**
 * Replaces the former table of the dataset with the new one, and completes the run. The SQL comment of a table names
 * the run that filled it, and so shows whether the tables have been swapped already. Every step can thus be repeated
 * after a crash.
 */
export async function swap(carrier: Carrier, run: Run): Promise<Run> {
  const { here } = carrier;
  if (run.state !== 'swapping') return run;
  await carrier.report(run, 'Swapping tables');
  await withLock(carrier, run, (on) => swapTables(on, here.name, run));
  await runs.complete(here, run);
  await failpoint('run completed');
  return runs.known(here.sql, run.number);
}

async function swapTables(on: PoolConnection, environment: string, run: Run) {
  const own = target.markOf(environment, run);
  const { dataset, filled, former } = target.tablesOf(run);
  const current = await target.markAt(on, dataset);
  if (current !== undefined && !target.isOwn(current, own)) throw target.taken(dataset);
  // The present table was filled by a newer run than this one, so it must not be replaced.
  if (current && current.run > run.number) return;
  if (current?.run !== run.number) {
    await refuseIncomplete(on, filled, run);
    await failpoint('swap begun');
    const replace = sql`${quoted(dataset)} to ${quoted(former)}, `;
    await change(
      on,
      sql`rename table ${current ? replace : sql``}${quoted(filled)} to ${quoted(dataset)}`,
    );
    await failpoint('renamed');
  }
  await target.dropOwn(on, own, former);
  await failpoint('former dropped');
}

async function refuseIncomplete(on: PoolConnection, filled: string, run: Run) {
  const rows = await target.countRows(on, filled);
  if (rows === run.row_count) return;
  throw new Problem(
    500,
    `The table ${filled} has ${rows} rows, and version ${run.version} has ${run.row_count}. The former table stays.`,
  );
}

/** Runs `work` under a database lock, so that no other run replaces the table of the same dataset at the same time. */
async function withLock(
  { target: pool }: Carrier,
  run: Run,
  work: (on: PoolConnection) => Promise<void>,
) {
  const { dataset } = target.tablesOf(run);
  const on = await pool.getConnection();
  try {
    const [{ place } = { place: '' }] = [
      await first<{ place: string }>(on, sql`select database() as place`),
    ];
    const lock = `oneway:${createHash('sha256').update(`${place}/${dataset}`).digest('hex').slice(0, 40)}`;
    const got = await first<{ got: number | null }>(on, sql`select get_lock(${lock}, 10) as got`);
    if (got?.got !== 1) throw new Unavailable(`Another run swaps the table ${dataset}.`);
    await work(on);
  } finally {
    // Closing the connection releases the lock, even after an error.
    on.destroy();
  }
}
