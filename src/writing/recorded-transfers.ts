// Finds transfers in the journal of an environment.
import { setTimeout as sleep } from 'node:timers/promises';
import { first, select, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { sentKinds } from '../state/transfer-kinds.ts';
import { liveStates, type Transfer } from './transfer.ts';

export const byId = (on: Queryable, id: string) =>
  first<Transfer>(on, sql`select * from transfer where id = ${id}`);

export async function byIds(on: Queryable, ids: string[]): Promise<Map<string, Transfer>> {
  const found = await select<Transfer>(on, sql`select * from transfer where id in (${ids})`);
  return new Map(found.map((transfer) => [transfer.id, transfer]));
}

export const byNumber = (on: Queryable, number: number) =>
  first<Transfer>(
    on,
    sql`select * from transfer
         where number = ${number} and (kind in (${sentKinds}) or state = 'needs_attention')`,
  );

export const byKey = (on: Queryable, person: string, key: string) =>
  first<Transfer>(
    on,
    sql`select * from transfer where person = ${person} and idempotency_key = ${key}`,
  );

/** The transfers that undid rows of this transfer. */
export const undoing = (on: Queryable, id: string) =>
  select<Transfer>(
    on,
    sql`select * from transfer where undoes = ${id} and state = 'verified' order by number`,
  );

/** Returns the transfers that need attention, and those that a person has sent and that are still running. */
export const unfinished = (on: Queryable) =>
  select<Transfer>(
    on,
    sql`select * from transfer
         where state = 'needs_attention' or (kind in (${sentKinds}) and state in (${liveStates}))
         order by number`,
  );

/**
 * Waits up to five seconds until a transfer that another process runs has ended. Returns the
 * transfer, even if it has not ended by then.
 */
export async function waitUntilEnded(here: Environment, id: string): Promise<Transfer> {
  for (let look = 1; ; look += 1) {
    const transfer = mustExist(await byId(here.sql, id));
    if (!liveStates.includes(transfer.state) || look === 50) return transfer;
    await sleep(100);
  }
}

export function mustExist(transfer: Transfer | undefined): Transfer {
  if (!transfer) throw new Error('The transfer is not in the journal');
  return transfer;
}
