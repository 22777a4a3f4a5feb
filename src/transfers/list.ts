// The page that lists transfers.
import { select, sql, type Queryable } from '../database/sql.ts';
import * as journal from '../writing/journal.ts';

/** Reads the 50 newest transfers whose number is below `before`; null for the first page. */
export const list = (on: Queryable, before: number | null) =>
  select<journal.Transfer & { steps: number; differing: number }>(
    on,
    sql`select t.*, (select count(*) from transfer_step s where s.transfer = t.id and s.action <> 'same') as steps,
               (select count(*) from transfer_step s where s.transfer = t.id and s.outcome = ${journal.STORED_DIFFERENTLY}) as differing
          from transfer t
         where (kind in (${journal.sentKinds}) or state = 'needs_attention') and (${before} is null or number < ${before})
         order by number desc
         limit 50`,
  );
