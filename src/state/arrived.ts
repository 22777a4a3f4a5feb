// Queries for the page *Arrived*, which lists the transfers that arrived from the previous environment. The queries
// read no row contents.
import { join, select, sql, type Queryable } from '../database/sql.ts';
import { undoneCount, writtenCount, type UndoneCount } from './undone.ts';
import { sentKinds, undoKinds, type StepAction, type TransferKind } from './transfer-kinds.ts';

/**
 * Limits of the page *Arrived*: the number of transfers on one page, and of rows listed for each
 * transfer.
 */
export const TRANSFERS = 20;
const LISTED = 50;

export type ArrivedTransfer = {
  transfer: string;
  name: string;
  reason: string | null;
  person: string;
  /** The other person who approved the transfer; null if the transfer required no approval. */
  approved_by: string | null;
  origin: string;
  kind: TransferKind;
  at: string;
  rows_count: number;
  /** How many rows of the transfer were written again after they arrived. */
  changed_since: number;
  /** How many rows the transfer wrote, without the unchanged rows that it sent again. */
  written_count: number;
};

/** Lists the transfers that arrived before the timestamp `before` (null: all), newest first. */
export const arrivedTransfers = (on: Queryable, before: string | null) =>
  select<ArrivedTransfer>(
    on,
    sql`select a.transfer, a.name, a.reason, a.person, a.approved_by, a.origin, a.kind,
               max(a.at) as at,
               count(*) as rows_count,
               cast(sum(a.action <> 'same') as signed) as written_count,
               cast(sum(exists (select 1 from arrival later
                                 where later.entity = a.entity and later.row_id = a.row_id
                                   and later.id > a.id)) as signed) as changed_since
          from (select transfer, max(at) as at from arrival
                 where kind in (${sentKinds}) and (${before} is null or at < ${before})
                 group by transfer
                 order by at desc
                 limit ${TRANSFERS}) newest
          join arrival a on a.transfer = newest.transfer
         group by a.transfer, a.name, a.reason, a.person, a.approved_by, a.origin, a.kind
         order by at desc`,
  );

/** An undo of rows of the arrived transfer `undone`. `rows_count`: how many of its rows were undone. */
export type UndoOfArrived = {
  undone: string;
  transfer: string;
  kind: TransferKind;
  origin: string;
  person: string;
  reason: string | null;
  rows_count: number;
};

/** Finds the undos of rows of these arrived transfers: undos that were the next write of the row. */
export const undosOf = async (on: Queryable, transfers: string[]): Promise<UndoOfArrived[]> =>
  transfers.length === 0
    ? []
    : select<UndoOfArrived>(
        on,
        sql`select a.transfer as undone, u.transfer, u.kind, u.origin, u.person, u.reason,
                   count(*) as rows_count
              from arrival a
              join arrival u
                on u.id = (select min(next.id) from arrival next
                            where next.entity = a.entity and next.row_id = a.row_id
                              and next.id > a.id)
             where a.transfer in (${transfers}) and a.action <> 'same' and u.kind in (${undoKinds})
             group by a.transfer, u.transfer, u.kind, u.origin, u.person, u.reason
             order by min(u.id)`,
      );

export type ArrivedRow = {
  transfer: string;
  seq: number;
  entity: string;
  row_id: number;
  root_entity: string;
  root_id: number;
  title: string;
  action: StepAction;
  /**
   * 1 if the row has no parent row, or if its parent row did not arrive in the same transfer;
   * otherwise 0.
   */
  is_root: number;
  /** 1 if the row, or a row that belongs to it, was written again after it arrived; otherwise 0. */
  is_changed: number;
  /** 1 if the next write of the row was an undo; otherwise 0. */
  is_undone: number;
  /** 1 if a later transfer on this page brought the row again; otherwise 0. */
  is_repeated: number;
};

/** Returns the first `LISTED` rows of each of these transfers. */
export const listedRows = (on: Queryable, transfers: string[]) =>
  rowsAt(on, transfers, sql`place <= ${LISTED}`);

/** Returns the rows of a transfer after the first `LISTED`. */
export const unlistedRows = (on: Queryable, transfer: string) =>
  rowsAt(on, [transfer], sql`place > ${LISTED}`);

const rowsAt = (on: Queryable, transfers: string[], places: ReturnType<typeof sql>) =>
  select<ArrivedRow>(
    on,
    sql`select a.transfer, a.seq, a.entity, a.row_id, a.root_entity, a.root_id, a.title, a.action,
               a.entity = a.root_entity
                 or not exists (select 1 from arrival root
                                 where root.transfer = a.transfer and root.entity = a.root_entity
                                   and root.row_id = a.root_id) as is_root,
               exists (select 1 from arrival later
                        where later.root_entity = a.entity and later.root_id = a.row_id
                          and later.id > a.id and later.transfer <> a.transfer) as is_changed,
               coalesce((select next.kind in (${undoKinds}) from arrival next
                          where next.entity = a.entity and next.row_id = a.row_id
                            and next.id > a.id
                          order by next.id limit 1), 0) as is_undone,
               exists (select 1 from arrival later
                        where later.entity = a.entity and later.row_id = a.row_id
                          and later.id > a.id and later.kind in (${sentKinds})) as is_repeated
          from (select id, transfer, seq, entity, row_id, root_entity, root_id, title, action,
                       row_number() over (partition by transfer order by seq) as place
                  from arrival
                 where transfer in (${transfers})) a
         where ${places}
         order by a.transfer, a.seq`,
  );

export type OnwardTransfer = {
  number: number;
  chain: string;
  rows_count: number;
  undone_by: string | null;
} & UndoneCount;

/**
 * Finds the transfers that sent rows of these arrived transfers on to the next environment, each
 * with the person who undid it.
 */
export const onwardTransfers = async (on: Queryable, transfers: string[]) =>
  transfers.length === 0
    ? []
    : select<OnwardTransfer>(
        on,
        sql`select t.number, t.chain,
                   (select max(u.person) from transfer u
                     where u.undoes = t.id and u.state = 'verified') as undone_by,
                   ${writtenCount} as rows_count, ${undoneCount} as undone_count
              from transfer t
             where t.kind in (${sentKinds}) and t.state = 'verified'
               and (${join(
                 transfers.map((transfer) => sql`t.chain like ${`%"${transfer}"%`}`),
                 ' or ',
               )})
             order by t.number`,
      );

export type ArrivedHead = { name: string; chain: string; is_named_after_rows: number };

/**
 * Returns the name of an arrived transfer, and whether Oneway composed that name from the titles of
 * rows, as in `A and 3 more`.
 */
export async function arrivedHead(
  on: Queryable,
  transfer: string,
): Promise<ArrivedHead | undefined> {
  const [head] = await select<ArrivedHead>(
    on,
    sql`select name, chain,
               max(title = name or left(name, char_length(title) + 5) = concat(title, ' and '))
                 as is_named_after_rows
          from arrival
         where transfer = ${transfer}
         group by name, chain`,
  );
  return head;
}
