// Runs of the pipeline DSSGenericPipeline: each carries one version of a dataset into the datasets database.
import type { PoolConnection } from 'mysql2/promise';
import { run, runForId, sql } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Job } from '../jobs/jobs.ts';

export const PIPELINE = 'pipeline';

/** The version of a dataset that a run is to carry, and how many rows it has. */
export type WantedRun = {
  dataset: { id: number; organisation: string; name: string };
  version: number;
  rows: number;
  person: string;
};

/**
 * Requests a run of the pipeline, in the caller's transaction; null where no pipeline is configured. Runs of older
 * versions of the dataset that have not ended are superseded. The caller queues the job after the commit.
 */
export async function request(
  _here: App,
  on: PoolConnection,
  { dataset, version, rows, person }: WantedRun,
): Promise<{ run: number | null; job: Job | null }> {
  await run(
    on,
    sql`update pipeline_run set state = 'superseded', ended_at = utc_timestamp(3), changed_at = utc_timestamp(3)
         where dataset = ${dataset.id} and state in ('fetching', 'inserting', 'failed')`,
  );
  const number = await runForId(
    on,
    sql`insert into pipeline_run
          (dataset, organisation, name, version, state, row_count, person, created_at, changed_at)
        values (${dataset.id}, ${dataset.organisation}, ${dataset.name}, ${version}, 'fetching', ${rows}, ${person},
          utc_timestamp(3), utc_timestamp(3))`,
  );
  const { job } = await jobs.request(on, {
    kind: PIPELINE,
    name: `Carry ${dataset.organisation}/${dataset.name} version ${version} into the datasets database`,
    person,
    input: { run: number },
  });
  await run(on, sql`update pipeline_run set job = ${job.id} where number = ${number}`);
  return { run: number, job };
}
