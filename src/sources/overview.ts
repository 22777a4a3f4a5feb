// Reads what pages and the command line show about each data source: its number of files by state, its last run, and
// the time of its next run.
import { first, select, sql, type Queryable } from '../database/sql.ts';
import { fullName } from '../datasets/datasets.ts';
import { differing } from '../datasets/registry.ts';
import { isLive, type JobState } from '../jobs/jobs.ts';
import { isNewest } from './lines.ts';
import { reportOf, type RunReport } from './report.ts';
import { onlyOneOf, SOURCE_RUN } from './run.ts';
import type { Source } from './sources.ts';

/**
 * The newest run of a data source. `report` is null while the run is active, and after a run that failed.
 */
export type LastRun = {
  number: number;
  state: JobState;
  person: string;
  problem: string | null;
  created_at: string;
  report: RunReport | null;
};

type ListedSource = Source & {
  datasetName: string;
  nextAt: string | null;
  last: LastRun | null;
  files: number;
  failed: number;
  differing: number;
};

type Line = Source & {
  organisation: string;
  dataset_name: string;
  next_at: string | null;
  files: number;
  failed: number;
  differing: number;
};

/** Reads all data sources, or only the source with this id, with the counts that lists show. */
export async function overview(on: Queryable, id: number | null = null): Promise<ListedSource[]> {
  const lines = await select<Line>(
    on,
    sql`select source.*, dataset.organisation, dataset.name as dataset_name, job_schedule.next_at,
               count(file.id) as files, count(case when file.state = 'failed' then 1 end) as failed,
               count(case when ${differing} then 1 end) as differing
          from source
          join dataset on dataset.id = source.dataset
          left join job_schedule on job_schedule.name = concat('source-', source.id) and source.active
          left join operations_datafile_registry file
            on file.source = source.id
               and ${isNewest}
         where ${id} is null or source.id = ${id}
         group by source.id, dataset.id, job_schedule.name
         order by source.name`,
  );
  return Promise.all(
    lines.map(async ({ organisation, dataset_name: name, next_at: nextAt, ...source }) => ({
      ...source,
      datasetName: fullName({ organisation, name }),
      nextAt,
      last: await lastRun(on, source),
    })),
  );
}

/** Reads the newest run of a data source; null if the source was never run. */
async function lastRun(on: Queryable, { id }: Pick<Source, 'id'>): Promise<LastRun | null> {
  const job = await first<Omit<LastRun, 'report'> & { report: string | null }>(
    on,
    sql`select number, state, person, problem, created_at, report from job
         where kind = ${SOURCE_RUN} and only_one = ${onlyOneOf(id)} order by number desc limit 1`,
  );
  return job ? { ...job, report: isLive(job) ? null : reportOf(job.report) } : null;
}
