// Waits a moment for a job that is nearly done, so that most people never see a page of progress.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/sql.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Job } from '../jobs/jobs.ts';

const PATIENCE_MS = 2000;
const PAUSE_MS = 100;

/** Returns the job when it has ended, or when it has not after two seconds; undefined when there is none. */
export async function waitShortly(on: Queryable, id: string | null): Promise<Job | undefined> {
  if (id === null) return undefined;
  const last = Date.now() + PATIENCE_MS;
  for (;;) {
    const job = await jobs.byId(on, id);
    if (!job || !jobs.isLive(job) || Date.now() > last) return job;
    await sleep(PAUSE_MS);
  }
}
