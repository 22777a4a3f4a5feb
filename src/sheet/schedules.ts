// The schedules of selections, in the table `scheduled_transfer`: at the scheduled time, a selection is planned again
// and transferred. The time of a schedule never changes. A person who wants another time ends the schedule and begins
// another one.
import { first, select, sql, type Queryable } from '../database/sql.ts';

/** `stopped`: the selection was not sent, or its transfer was not completed. `problem` has the reason. */
type ScheduleState = 'waiting' | 'running' | 'sent' | 'stopped' | 'cancelled';

export type ScheduledTransfer = {
  /** The id of the schedule. The transfer uses it as its idempotency key, so that it is sent only once. */
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

export type UpcomingTransfer = Pick<
  ScheduledTransfer,
  'selection' | 'person' | 'run_at' | 'state'
> & {
  name: string;
};

/** Reads the schedules that have not ended, the next one first; at most `most` of them. */
export const upcoming = (on: Queryable, { most = 20 } = {}) =>
  select<UpcomingTransfer>(
    on,
    sql`select scheduled.selection, scheduled.person, scheduled.run_at, scheduled.state, selection.name
          from scheduled_transfer scheduled join selection on selection.id = scheduled.selection
         where scheduled.state in ('waiting', 'running')
         order by scheduled.run_at
         limit ${most}`,
  );

/** Why a due schedule has not been sent yet, and when its job tries again. */
type Retry = { problem: string; run_at: string };

/** Reads what a schedule that is being carried out waits for; null while its job runs. */
export const retryOf = async (on: Queryable, { job }: ScheduledTransfer): Promise<Retry | null> =>
  (await first<Retry>(
    on,
    sql`select problem, run_at from job
         where id = ${job} and state = 'waiting' and problem is not null and run_at is not null`,
  )) ?? null;

/** Reads the schedule of a selection, unless the schedule has ended. */
export const activeOf = (on: Queryable, selection: string) =>
  first<ScheduledTransfer>(
    on,
    sql`select * from scheduled_transfer where active_key = ${selection}`,
  );
