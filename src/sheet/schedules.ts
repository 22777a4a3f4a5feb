// The schedules of selections, in MySQL: a selection is planned again and transferred at a time. A line is never changed
// to another time; a person who changes it ends it and begins another one.
import { first, select, sql, type Queryable } from '../database/sql.ts';

/** `stopped`: it was not sent, or its transfer did not arrive, for the reason in `problem`. */
type ScheduleState = 'waiting' | 'running' | 'sent' | 'stopped' | 'cancelled';

export type ScheduledTransfer = {
  /** Also the idempotency key of the transfer, so that it is sent once. */
  id: string;
  selection: string;
  person: string;
  reason: string | null;
  run_at: string;
  state: ScheduleState;
  job: string | null;
  transfer: string | null;
  problem: string | null;
  created_at: string;
  ended_at: string | null;
  ended_by: string | null;
};

/** Finds the newest schedule of each of these selections. */
export async function newestOf(
  on: Queryable,
  selections: string[],
): Promise<Map<string, ScheduledTransfer>> {
  const lines = await select<ScheduledTransfer>(
    on,
    sql`select * from scheduled_transfer where selection in (${selections})
         order by ended_at is not null desc, created_at`,
  );
  return new Map(lines.map((line) => [line.selection, line]));
}

export type UpcomingTransfer = Pick<ScheduledTransfer, 'selection' | 'person' | 'run_at'> & {
  name: string;
};

/** Reads the schedules that have not ended, the next one first. */
export const upcoming = (on: Queryable) =>
  select<UpcomingTransfer>(
    on,
    sql`select scheduled.selection, scheduled.person, scheduled.run_at, selection.name
          from scheduled_transfer scheduled join selection on selection.id = scheduled.selection
         where scheduled.state in ('waiting', 'running')
         order by scheduled.run_at
         limit 20`,
  );

/** The schedule of a selection that has not ended. */
export const activeOf = (on: Queryable, selection: string) =>
  first<ScheduledTransfer>(
    on,
    sql`select * from scheduled_transfer where active_key = ${selection}`,
  );
