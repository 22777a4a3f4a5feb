// Claims at the destination: a claim records which transfer is writing a row, or needs the row unchanged. Claims are
// lines of the table `claim`, so that documents and rows that do not exist yet can be claimed, too. A line claims the rows
// of one entity with consecutive ids.
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import type { RowKey } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import {
  command,
  first,
  join,
  run,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { insertRows } from '../database/bulk.ts';
import { byEntity } from '../rows/store.ts';
import { byId, overStates, FencedOff, type Transfer } from './journal.ts';
import {
  claimedAmong,
  firstConflict,
  linesToClaim,
  rowCountOf,
  type Claim,
  type ClaimLine,
  type WantedRows,
} from './claimed-rows.ts';

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
 * raises the fence (a number) of the claims, so that the former worker is recognised and stopped.
 * @throws RowClaimed when another transfer has claimed a row, FencedOff when a newer worker of this
 * transfer has raised the fence
 */
export async function acquire(connection: PoolConnection, transfer: Transfer, wanted: WantedRows) {
  await command(connection, 'START TRANSACTION');
  await lockGate(connection);
  const mine = await refuseIfClaimed(connection, transfer.id, wanted, { hasRanges: false });
  if (mine.some((claim) => claim.fence > transfer.fence)) {
    throw new FencedOff(`Transfer ${transfer.number} is in other hands`);
  }
  if (mine.length > 0) await raiseFence(connection, transfer);
  // Version 1.17.0 reads only `row_id` of a line. While the environment before this one still has that version, what it
  // sends here can collide only with the writes of this environment into itself, so these claim one line for each row.
  const hasLinePerRow = transfer.origin === transfer.destination;
  const since = toSqlInstant(new Date().toISOString());
  const lines = linesToClaim(wanted, mine, { hasLinePerRow }).map((line) => ({
    ...line,
    transfer: transfer.id,
    number: transfer.number,
    origin: transfer.origin,
    fence: transfer.fence,
    connection: connection.threadId,
    person: transfer.person,
    since,
  }));
  await insertRows(connection, 'claim', lines);
  await command(connection, 'COMMIT');
}

const raiseFence = (connection: PoolConnection, transfer: Transfer) =>
  run(
    connection,
    sql`update claim force index (claim_transfer)
           set fence = ${transfer.fence}, connection = ${connection.threadId}
         where transfer = ${transfer.id}`,
  );

/** Locks the row `gate` of the table `clock`: no other transfer can claim rows until this transaction ends. */
export const lockGate = (connection: PoolConnection) =>
  first(connection, sql`select instant from clock where name = 'gate' for update`);

/**
 * Checks that no transfer other than `own` has claimed one of these rows. Returns the lines of `own`.
 * @throws RowClaimed when another transfer has claimed one
 */
export async function refuseIfClaimed(
  connection: PoolConnection,
  own: string,
  wanted: WantedRows,
  { hasRanges } = { hasRanges: true },
): Promise<ClaimLine[]> {
  const found = await select<ClaimLine>(
    connection,
    sql`select * from claim where transfer = ${own} or ${mayClaim([...wanted.write, ...wanted.shared], { hasRanges })}`,
  );
  const { mine = [], others = [] } = Object.groupBy(found, ({ transfer }) =>
    transfer === own ? 'mine' : 'others',
  );
  const taken = firstConflict(others, wanted);
  if (taken) throw new RowClaimed(taken);
  return mine;
}

/**
 * Returns an SQL condition that selects all lines that may claim one of these rows: those whose range overlaps the range
 * from the lowest to the highest id. `hasRanges` is false where the column `last_id` may be missing: `oneway db migrate`
 * resumes transfers before it adds that column, and a destination may not be updated yet.
 */
const mayClaim = (keys: RowKey[], { hasRanges }: { hasRanges: boolean }): Statement =>
  keys.length === 0
    ? sql`false`
    : sql`(${join(
        [...byEntity(keys)].map(([entity, ids]) => {
          const from = hasRanges ? sql`and coalesce(last_id, row_id) >= ${ids[0]}` : sql``;
          return sql`(entity = ${entity.name} and row_id <= ${ids.at(-1)} ${from})`;
        }),
        ' or ',
      )})`;

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

/** Returns the claims of transfers that are writing these rows, one for each row. */
export async function onRows(on: Queryable, keys: RowKey[]): Promise<Claim[]> {
  if (keys.length === 0) return [];
  const lines = await select<ClaimLine>(
    on,
    sql`select * from claim where ${mayClaim(keys, { hasRanges: false })} and mode = 'write'`,
  );
  return claimedAmong(lines, keys);
}

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
export async function heldClaims(on: Queryable): Promise<HeldClaims[]> {
  const lines = await select<ClaimLine>(on, sql`select * from claim order by since`);
  return [...Map.groupBy(lines, (line) => line.transfer).values()].flatMap((own) =>
    own.slice(0, 1).map(({ transfer, number, origin, person, since }) => ({
      transfer,
      number,
      origin,
      person,
      since,
      rows_count: rowCountOf(own),
    })),
  );
}

/**
 * Removes the claims of a transfer whose sending environment no longer exists. Returns the number
 * of rows that were claimed.
 */
export async function releaseManually(
  here: Environment,
  transfer: string,
  { person, reason }: { person: string; reason: string },
): Promise<number> {
  return transaction(here.sql, async (connection) => {
    const lines = await select<ClaimLine>(
      connection,
      sql`select * from claim where transfer = ${transfer} for update`,
    );
    await run(connection, sql`delete from claim where transfer = ${transfer}`);
    const line = { person, action: 'released claims', subject: `Transfer ${transfer}` };
    if (lines.length > 0) await audit.write(connection, { ...line, detail: reason, transfer });
    return rowCountOf(lines);
  });
}
