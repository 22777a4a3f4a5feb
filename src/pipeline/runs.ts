// Runs of the pipeline DSSGenericPipeline: each carries one version of a dataset into the datasets database.
import type { PoolConnection } from 'mysql2/promise';
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';

/** The version of a dataset that a run is to carry, and how many rows it has. */
type WantedRun = {
  dataset: { id: number; organisation: string; name: string };
  version: number;
  rows: number;
  person: string;
};

/**
 * Requests a run of the pipeline, in the caller's transaction; null where no pipeline is configured. The caller queues
 * the job after the commit.
 */
export const request = (
  _here: App,
  _on: PoolConnection,
  _wanted: WantedRun,
): Promise<{ run: number | null; job: Job | null }> => Promise.resolve({ run: null, job: null });
