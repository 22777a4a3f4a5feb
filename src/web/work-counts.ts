// Counts what needs work in an environment (unsent rows, failures, requests for approval), for the menu and the home
// page. Every page shows these counts, so they are remembered between requests.
import type { Request } from 'express';
import { lastKnown, type LastKnown } from '../database/last-known.ts';
import { first, select, sql } from '../database/sql.ts';
import { countPending, type PendingCounts } from '../state/pending-counts.ts';
import { can } from './request.ts';

/** The counts of failures in an environment that someone must repair or start again. */
export type FailureCounts = {
  /** Transfers that need attention. */
  transfers: number;
  /** Jobs that failed within the last seven days. */
  jobs: number;
  deadLetters: number;
  /** Messages to other systems that Oneway no longer tries to send, because too many attempts failed. */
  deliveries: number;
  /** Messages to other systems whose first attempt failed and that are sent again. */
  retried: number;
  /** Data files that could not be read or loaded. */
  datafiles: number;
};

/**
 * Counts the rows whose changes have not been sent to the destination. Null in an environment without a destination,
 * and until the counts are known.
 */
export const pendingCounts = async (
  { here }: Request,
  patience: number,
): Promise<LastKnown<PendingCounts> | null> =>
  here.destination
    ? lastKnown(here.sql, 'pending counts', patience, () => countPending(here))
    : null;

/** Whether the person is responsible for repairing failures in this environment: on call, or an administrator. */
export const mayRepair = (req: Request): boolean =>
  req.account?.permissions.includes('on_call') === true || can(req, 'administer');

/** Counts what failed on this server, even while the person has a copy (staging database) open. */
export const failureCounts = ({ house: { sql: on } }: Request, patience: number) =>
  lastKnown(on, 'failure counts', patience, async () => {
    const counts = await first<FailureCounts>(
      on,
      sql`select (select count(*) from transfer where state = 'needs_attention') as transfers,
                 (select count(*) from job
                   where state = 'failed' and ended_at > utc_timestamp() - interval 7 day) as jobs,
                 (select count(*) from dead_letter where state = 'open') as deadLetters,
                 (select count(*) from outbox where state = 'failed') as deliveries,
                 (select count(*) from outbox where state = 'pending' and attempts > 0) as retried,
                 (select count(*) from operations_datafile_registry where state = 'failed') as datafiles`,
    );
    return (
      counts ?? { transfers: 0, jobs: 0, deadLetters: 0, deliveries: 0, retried: 0, datafiles: 0 }
    );
  });

/**
 * Counts the requests for approval that wait for this person: requests that someone else has made. Null where no
 * approval is required, and as long as the count is not known.
 */
export async function approvalsWaiting(req: Request, patience: number): Promise<number | null> {
  const { here, account } = req;
  if (!here.settings.requireApproval || !can(req, 'transfer')) return null;
  const known = await lastKnown(here.sql, 'approvals waiting', patience, () =>
    select<{ asker: string; number: number }>(
      here.sql,
      sql`select asked_by as asker, count(*) as number from approval
           where state = 'waiting' group by asked_by`,
    ),
  );
  const others = known?.answer.filter(({ asker }) => asker !== account?.email);
  return others?.reduce((sum, { number }) => sum + number, 0) ?? null;
}
