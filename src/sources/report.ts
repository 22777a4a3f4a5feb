// Reports what a run of a data source did. The numbers are counted from the entries in the registry of data files, so
// they are right even if the first worker was killed and another worker finished the run.
import { first, select, sql, type Queryable } from '../database/sql.ts';
import type { Job } from '../jobs/jobs.ts';
import { differing } from '../datasets/registry.ts';
import { isNewest } from './lines.ts';
import type { Fetching } from './fetch-new.ts';
import type { FailedFile } from './listing.ts';
import type { Source } from './sources.ts';

export type RunReport = {
  /** How many files the data source lists. */
  found: number;
  fetched: number;
  loaded: number;
  rows: number;
  failed: number;
  /** How many stored files have changed at the data source since they were fetched. */
  differing: number;
  /** The first files that could not be fetched or loaded. */
  failures: FailedFile[];
};

/** Parses the stored report of a job; null if the job has no report yet. */
export const reportOf = (text: string | null): RunReport | null =>
  text === null ? null : (JSON.parse(text) as RunReport);

/** How many failures a report lists. */
const NAMED = 100;

type Ended = { source: Source; job: Job };

export async function reportOfRun(
  on: Queryable,
  { source, job }: Ended,
  { found, failed, failures }: Fetching,
): Promise<RunReport> {
  const counts = await first<
    Record<'fetched' | 'loaded' | 'rows_count' | 'differing', number | string>
  >(
    on,
    sql`select count(case when created_timestamp >= ${job.created_at} then 1 end) as fetched,
               count(case when job = ${job.id} and state = 'processed' then 1 end) as loaded,
               coalesce(sum(case when job = ${job.id} and state = 'processed' then loaded_rows end), 0) as rows_count,
               count(case when ${differing} then 1 end) as differing
          from operations_datafile_registry file
         where source = ${source.id}
           and ${isNewest}`,
  );
  const notLoaded = await select<{ name: string; message: string | null }>(
    on,
    sql`select file_name as name, error_message as message from operations_datafile_registry
         where source = ${source.id} and job = ${job.id} and state = 'failed' order by id`,
  );
  const all = [
    ...failures,
    ...notLoaded.map(({ name, message }) => ({ name, reason: 'load', message: message ?? '' })),
  ];
  return {
    found,
    fetched: Number(counts?.fetched ?? 0),
    loaded: Number(counts?.loaded ?? 0),
    rows: Number(counts?.rows_count ?? 0),
    failed: failed + notLoaded.length,
    differing: Number(counts?.differing ?? 0),
    failures: all.slice(0, NAMED),
  };
}
