import * as jobs from '../jobs/jobs.ts';
import type { Queryable } from '../database/sql.ts';

/** The kind of the job that tests backups by restoring them. */
export const RESTORE_TEST = 'restore-test';

/**
 * Requests a job that restores one client’s newest backup and compares the result with the backup. The caller need not
 * queue the job, because a periodic check queues waiting jobs.
 */
export const requestRestoreTest = (on: Queryable, client: string) =>
  jobs.request(on, {
    kind: RESTORE_TEST,
    name: `Restore test of ${client}`,
    person: 'Oneway',
    input: { client },
    onlyOne: `${RESTORE_TEST} ${client}`.slice(0, 60),
    priority: 'low',
  });
