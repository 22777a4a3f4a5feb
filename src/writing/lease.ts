// The lease and the fence of the worker that runs a transfer. The lease says how long the worker may be silent. When it
// has expired, another worker takes the transfer over and raises the fence; a worker with an old fence is refused.
import { byPrimaryKey, run, select, sql } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { byId, mustExist } from './recorded-transfers.ts';
import { liveStates, type Transfer } from './transfer.ts';

/**
 * Thrown when another worker has taken over the transfer, so that this worker must not write
 * anything any more.
 */
export class FencedOff extends Error {}

/**
 * Renews the lease of a transfer (how long its worker may be silent) until the returned function is
 * called. If the worker dies, the lease expires, and another worker takes the transfer over.
 */
export function keepLease(here: Environment, transfer: Transfer, milliseconds: number) {
  const timer = setInterval(() => {
    run(
      here.sql,
      sql`update ${byPrimaryKey('transfer')} set lease_until = ${inFuture(milliseconds)}
           where id = ${transfer.id} and fence = ${transfer.fence}`,
    ).catch(() => {
      // An error is ignored: if the lease is not renewed, it expires, and recovery resumes the
      // transfer.
    });
  }, milliseconds / 3);
  timer.unref();
  return () => clearInterval(timer);
}

/** Ends the lease of a transfer now, so that recovery need not wait for it to expire. */
export const endLease = (here: Environment, transfer: Transfer) =>
  run(
    here.sql,
    sql`update ${byPrimaryKey('transfer')} set lease_until = ${inFuture(0)}
         where id = ${transfer.id} and fence = ${transfer.fence}`,
  );

/** The running transfers whose lease has expired, because their worker died or is suspended. */
export const orphans = (here: Environment) =>
  select<Transfer>(
    here.sql,
    sql`select * from transfer
         where state in (${liveStates}) and lease_until < ${inFuture(0)}
         order by number`,
  );

/** Takes over a transfer whose worker died, by raising its fence; null when another worker was first. */
export async function takeOver(
  here: Environment,
  orphan: Transfer,
  lease: number,
): Promise<Transfer | null> {
  const found = await run(
    here.sql,
    sql`update ${byPrimaryKey('transfer')} set fence = fence + 1, lease_until = ${inFuture(lease)}
         where id = ${orphan.id} and fence = ${orphan.fence} and state in (${liveStates})
           and lease_until < ${inFuture(0)}`,
  );
  return found === 1 ? mustExist(await byId(here.sql, orphan.id)) : null;
}

/**
 * Returns an SQL expression for the time this many milliseconds from now. It uses the database’s
 * clock, because the clocks of servers may differ or jump.
 */
export const inFuture = (milliseconds: number) =>
  sql`utc_timestamp(3) + interval ${milliseconds * 1000} microsecond`;
