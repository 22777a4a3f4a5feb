// Reads the transfers that a list shows, by the filters of the list.
import { isByAndAt, LINES, type PartOf, type WhoAndWhen } from '../database/newest-first.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { undoneCount, undoneIn, writtenCount, type UndoneInList } from '../state/undone.ts';
import * as journal from '../writing/journal.ts';

/** A transfer with the number of its rows, and of those that the destination stored differently. */
export type ListedTransfer = journal.Transfer & UndoneInList & { steps: number; differing: number };

/** Which transfers a list shows. Without states, transfers in any state match. */
export type TransferFilter = WhoAndWhen & { states?: journal.TransferState[] };

/** Reads the newest transfers that match a filter. */
export const find = (
  on: Queryable,
  { states = [], before = null, limit = LINES, ...filter }: TransferFilter & PartOf = {},
): Promise<ListedTransfer[]> =>
  select<ListedTransfer>(
    on,
    sql`select t.*, ${writtenCount} as steps,
               ${undoneCount} as undone_count, ${undoneIn} as undone_in,
               (select count(*) from transfer_step s where s.transfer = t.id and s.outcome = ${journal.STORED_DIFFERENTLY}) as differing
          from transfer t
         where (kind in (${journal.sentKinds}) or state = 'needs_attention') and (${before} is null or number < ${before})
           and (${states.length === 0} or state in (${states}))
           and ${isByAndAt(filter, { person: sql`person`, at: sql`created_at` })}
         order by number desc
         limit ${limit}`,
  );
