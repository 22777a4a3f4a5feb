// Reads requests for the approval of a second person.
import { first, run, select, sql, type Queryable } from '../database/sql.ts';
import { NotFound } from '../problems.ts';
import { approvalColumns, type Approval } from '../sheet/approval.ts';
import type { PlanRows } from './plan-changes.ts';

/** @throws NotFound when no request has this id */
export async function find(on: Queryable, id: string, { lock = false } = {}): Promise<Approval> {
  const approval = await first<Approval>(
    on,
    lock
      ? sql`select ${approvalColumns} from approval a where a.id = ${id} for update`
      : sql`select ${approvalColumns} from approval a where a.id = ${id}`,
  );
  if (!approval) throw new NotFound('There is no such request for approval.');
  return approval;
}

/** Reads the rows of the plan for which approval was asked. */
export async function rowsThen(on: Queryable, id: string): Promise<PlanRows> {
  const line = await first<{ plan_rows: string }>(
    on,
    sql`select plan_rows from approval where id = ${id}`,
  );
  return JSON.parse(line?.plan_rows ?? '{}') as PlanRows;
}

/** Deletes requests that were decided more than 90 days ago. The audit keeps who asked and who decided. */
export const purgeExpired = ({ sql: on }: { sql: Queryable }) =>
  run(
    on,
    sql`delete from approval
         where state <> 'waiting' and decided_at < utc_timestamp(3) - interval 90 day
         limit 1000`,
  );

export type ListedApproval = Approval & { number: number | null };

/**
 * Lists requests for approval, each with the number of its transfer: first the waiting requests, then all others, both
 * newest first.
 */
export const list = (on: Queryable) =>
  select<ListedApproval>(
    on,
    sql`select ${approvalColumns}, t.number
          from approval a
          left join transfer t on t.id = a.transfer
         order by a.state = 'waiting' desc, a.asked_at desc
         limit 100`,
  );
