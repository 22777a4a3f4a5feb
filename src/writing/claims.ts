// Claims at the destination: a claim records which transfer is writing a row, or needs the row unchanged. Claims are
// rows of the table `claim`, so that documents and rows that do not exist yet can be claimed, too.
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import type { RowKey } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import {
  command,
  first,
  run,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import { insertRows } from '../database/bulk.ts';
import { byId, overStates, FencedOff, type Transfer } from './journal.ts';
import { whereRows } from '../state/row-state.ts';

export type Claim = {
  entity: string;
  row_id: number;
  transfer: string;
  mode: 'write' | 'shared';
  number: number;
  origin: string;
  fence: number;
  connection: number;
  person: string;
  since: string;
};

export class RowClaimed extends Error {
  readonly claim: Claim;

  constructor(claim: Claim) {
    super(
      `It is being written by transfer ${claim.number} from ${claim.origin} (${claim.person}, since ${claim.since.slice(0, 19)} UTC).`,
    );
    this.claim = claim;
  }
}

/**
 * Claims the rows that a transfer writes, and the rows that it needs unchanged, in one short
 * transaction. A lock makes transfers claim rows one after another. Each new worker of a transfer
 * claims the rows again with a higher fence (a number), so that the former worker is recognised and
 * stopped.
 * @throws RowClaimed when another transfer has claimed a row, FencedOff when a newer worker of this
 * transfer has raised the fence
 */
export async function acquire(
  connection: PoolConnection,
  transfer: Transfer,
  wanted: { write: RowKey[]; shared: RowKey[] },
) {
  await command(connection, 'START TRANSACTION');
  await lockGate(connection);
  const mine = await refuseIfClaimed(connection, transfer.id, wanted);
  if (mine.some((claim) => claim.fence > transfer.fence)) {
    throw new FencedOff(`Transfer ${transfer.number} is in other hands`);
  }
  const since = toSqlInstant(new Date().toISOString());
  const claimed = [
    ...wanted.write.map((key) => ({ ...key, mode: 'write' })),
    ...wanted.shared.map((key) => ({ ...key, mode: 'shared' })),
  ].map(({ entity, id, mode }) => ({
    entity,
    row_id: id,
    transfer: transfer.id,
    mode,
    number: transfer.number,
    origin: transfer.origin,
    fence: transfer.fence,
    connection: connection.threadId,
    person: transfer.person,
    since,
  }));
  const raised = sql`on duplicate key update fence = values(fence), connection = values(connection)`;
  await insertRows(connection, 'claim', claimed, raised);
  await command(connection, 'COMMIT');
}

/** Locks the row `gate` of the table `clock`: no other transfer can claim rows until this transaction ends. */
export const lockGate = (connection: PoolConnection) =>
  first(connection, sql`select instant from clock where name = 'gate' for update`);

/**
 * Checks that no transfer other than `own` has claimed one of these rows. Returns the claims of `own`.
 * @throws RowClaimed when another transfer has claimed one
 */
export async function refuseIfClaimed(
  connection: PoolConnection,
  own: string,
  wanted: { write: RowKey[]; shared: RowKey[] },
): Promise<Claim[]> {
  const found = await select<Claim>(
    connection,
    sql`select * from claim where transfer = ${own} or ${whereRows([...wanted.write, ...wanted.shared])}`,
  );
  const others = found.filter(({ transfer }) => transfer !== own);
  const writes = new Set(wanted.write.map(({ entity, id }) => `${entity}:${id}`));
  const taken = others.find(
    (claim) => claim.mode === 'write' || writes.has(`${claim.entity}:${claim.row_id}`),
  );
  if (taken) throw new RowClaimed(taken);
  return found.filter(({ transfer }) => transfer === own);
}

/**
 * Locks the claims of a transfer until the transaction that writes its rows ends.
 * @throws FencedOff when the claims carry another fence than this worker’s
 */
export async function lock(connection: PoolConnection, transfer: Transfer) {
  const mine = await first<{ claims: number; others: number }>(
    connection,
    sql`select count(*) as claims, count(nullif(fence, ${transfer.fence})) as others
          from claim force index (claim_transfer) where transfer = ${transfer.id} for update`,
  );
  if (!mine?.claims || mine.others > 0) {
    throw new FencedOff(`The claims of transfer ${transfer.number} are in other hands`);
  }
}

/**
 * Removes the claims of a transfer. Without the hint MySQL may read the whole table, which waits for the locks of every
 * other transfer.
 */
export const release = (on: Queryable, transfer: Transfer) =>
  run(
    on,
    sql`delete own from claim own force index (claim_transfer)
         where own.transfer = ${transfer.id} and own.fence <= ${transfer.fence}`,
  );

/**
 * Removes the claims of a transfer if the transfer has ended. Recovery still needs the claims of a
 * running transfer.
 */
export async function releaseIfOver(here: Queryable, there: Queryable, id: string) {
  const transfer = await byId(here, id);
  if (transfer && overStates.includes(transfer.state)) await release(there, transfer);
}

/** Returns the claims of transfers that are writing these rows. */
export const onRows = (on: Queryable, keys: RowKey[]) =>
  keys.length === 0
    ? Promise.resolve([])
    : select<Claim>(
        on,
        sql`select * from claim
             where (${whereRows(keys)}) and mode = 'write'`,
      );

export const originsWithClaims = (on: Queryable, origin: string) =>
  select<{ transfer: string }>(
    on,
    sql`select distinct transfer from claim where origin = ${origin}`,
  );

/**
 * Kills the database connection that an earlier worker of this transfer may still have, because a
 * suspended worker would keep its locks. Only connections of this user to this database are killed.
 */
export async function endWriter(on: Queryable, transfer: Transfer) {
  const writers = await select<{ connection: number }>(
    on,
    sql`select distinct c.connection from claim c
          join information_schema.processlist p on p.id = c.connection
         where c.transfer = ${transfer.id} and c.fence < ${transfer.fence}
           and p.db = database() and p.id <> connection_id()`,
  );
  for (const { connection } of writers) {
    await run(on, sql`kill ${connection}`).catch(() => {
      // An error is ignored: the connection may have ended already.
    });
  }
}

export const hasAny = async (on: Queryable, transfer: string): Promise<boolean> =>
  (await first(on, sql`select 1 from claim where transfer = ${transfer} limit 1`)) !== undefined;

export type HeldClaims = Pick<Claim, 'transfer' | 'number' | 'origin' | 'person' | 'since'> & {
  rows_count: number;
};

/** Returns the transfers that have claimed rows in this environment, oldest first. */
export const heldClaims = (on: Queryable) =>
  select<HeldClaims>(
    on,
    sql`select transfer, number, origin, person, min(since) as since, count(*) as rows_count
          from claim
         group by transfer, number, origin, person
         order by since`,
  );

/**
 * Removes the claims of a transfer whose sending environment no longer exists. Returns the number
 * of removed claims.
 */
export async function releaseManually(
  here: Environment,
  transfer: string,
  { person, reason }: { person: string; reason: string },
): Promise<number> {
  return transaction(here.sql, async (connection) => {
    const found = await run(connection, sql`delete from claim where transfer = ${transfer}`);
    const line = { person, action: 'released claims', subject: `Transfer ${transfer}` };
    if (found > 0) await audit.write(connection, { ...line, detail: reason, transfer });
    return found;
  });
}
