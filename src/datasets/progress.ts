// Waits up to two seconds for a job before a page is shown. Most jobs end in that time, so most people see the result
// at once instead of a progress page.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/sql.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Job } from '../jobs/jobs.ts';

const PATIENCE_MS = 2000;
const PAUSE_MS = 100;

/**
 * Returns the job as soon as it has ended, or after two seconds even if it has not; undefined if
 * there is no such job.
 */
export async function waitShortly(on: Queryable, id: string | null): Promise<Job | undefined> {
  if (id === null) return undefined;
  const last = Date.now() + PATIENCE_MS;
  for (;;) {
    const job = await jobs.byId(on, id);
    if (!job || !jobs.isLive(job) || Date.now() > last) return job;
    await sleep(PAUSE_MS);
  }
}
