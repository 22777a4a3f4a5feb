// How many rows of a transfer were undone, for lists of transfers.
import { sql } from '../database/sql.ts';

export type UndoneCount = {
  /** How many rows of this transfer were undone. */
  undone_count: number;
};

export type UndoneInList = UndoneCount & {
  /** The number of the latest transfer that undid rows of this one; null if no row was undone. */
  undone_in: number | null;
};

/** An SQL expression: how many rows of the transfer `t` were undone. */
export const undoneCount = sql`(select count(distinct s.entity, s.row_id)
    from transfer u
    join transfer_step s on s.transfer = u.id and s.action <> 'same'
   where u.undoes = t.id and u.state = 'verified')`;

/** An SQL expression: the number of the latest transfer that undid rows of the transfer `t`. */
export const undoneIn = sql`(select max(u.number) from transfer u
   where u.undoes = t.id and u.state = 'verified')`;

/** An SQL expression: how many rows the transfer `t` writes. */
export const writtenCount = sql`(select count(*) from transfer_step s
   where s.transfer = t.id and s.action <> 'same')`;
