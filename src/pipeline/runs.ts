// Records the runs of the pipeline, which the requirements call DSSGenericPipeline. Each run copies one version of a
// dataset into the datasets database.
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import {
  first,
  run as change,
  runForId,
  select,
  sql,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Job } from '../jobs/jobs.ts';
import { Conflict, NotFound } from '../problems.ts';
import { structureSchema, type MeasuredColumn } from './measures.ts';

export const PIPELINE = 'pipeline';

/**
 * The state of a run. `fetching`: pages of the API are fetched and stored; `inserting`: their rows
 * are inserted into a new table; `swapping`: the new table replaces the former one; `superseded`: a
 * newer version of the dataset was published before the run was completed.
 */
type RunState = 'fetching' | 'inserting' | 'swapping' | 'completed' | 'failed' | 'superseded';
const liveStates: RunState[] = ['fetching', 'inserting', 'swapping'];
export const isLive = ({ state }: Pick<Run, 'state'>) => liveStates.includes(state);

export type Run = {
  number: number;
  dataset: number;
  organisation: string;
  name: string;
  version: number;
  state: RunState;
  /** The URL of the next page of rows in the signed API; null before the first page and after the last. */
  next: string | null;
  pages_fetched: number;
  pages_inserted: number;
  /** How many rows the version of the dataset has. */
  row_count: number;
  rows_inserted: number;
  /**
   * The columns of the dataset as JSON, each with the measures (such as the longest length) of the cells fetched so
   * far; null before the first page.
   */
  structure: string | null;
  error: string | null;
  job: string | null;
  person: string;
  created_at: string;
  changed_at: string;
  ended_at: string | null;
  /** When the pages that the run had fetched and stored were deleted; null while they are stored. */
  pages_removed_at: string | null;
};

export const structureOf = ({ structure }: Pick<Run, 'structure'>): MeasuredColumn[] | null =>
  structure === null ? null : structureSchema.parse(JSON.parse(structure));

/** The version of a dataset that a run copies, and how many rows the version has. */
export type WantedRun = {
  dataset: { id: number; organisation: string; name: string };
  version: number;
  rows: number;
  person: string;
};

/**
 * Requests a run of the pipeline, in the caller’s transaction. If the settings configure no pipeline, returns null as
 * run and as job. Unfinished and failed runs of older versions of the dataset are superseded. The caller must queue the
 * job after the commit.
 */
export async function request(
  here: App,
  on: PoolConnection,
  { dataset, version, rows, person }: WantedRun,
): Promise<{ run: number | null; job: Job | null }> {
  if (here.settings.pipeline === null) return { run: null, job: null };
  await supersede(on, dataset.id, version);
  const number = await runForId(
    on,
    sql`insert into pipeline_run
          (dataset, organisation, name, version, state, row_count, person, created_at, changed_at)
        values (${dataset.id}, ${dataset.organisation}, ${dataset.name}, ${version}, 'fetching', ${rows}, ${person},
          utc_timestamp(3), utc_timestamp(3))`,
  );
  const job = await requestJob(on, { ...dataset, number, version, person });
  return { run: number, job };
}

async function supersede(on: PoolConnection, dataset: number, version: number) {
  const former = await select<{ number: number }>(
    on,
    sql`select number from pipeline_run
         where dataset = ${dataset} and state in (${[...liveStates, 'failed']}) for update`,
  );
  for (const { number } of former) {
    await change(
      on,
      sql`update pipeline_run
             set state = 'superseded', ended_at = utc_timestamp(3), changed_at = utc_timestamp(3)
           where number = ${number}`,
    );
    await endUploads(on, number, {
      state: 'completed',
      note: `Version ${version} came before this one was in the datasets database, and is carried there instead.`,
    });
  }
}

type Named = Pick<Run, 'number' | 'organisation' | 'name' | 'version' | 'person'>;

/** Requests a job that does the work of a run; if the run has an active job, returns that one. */
async function requestJob(on: PoolConnection, run: Named): Promise<Job> {
  const { job } = await jobs.request(on, {
    kind: PIPELINE,
    name: `Carry ${run.organisation}/${run.name}, version ${run.version}, into the datasets database`,
    person: run.person,
    input: { run: run.number },
    onlyOne: `pipeline run ${run.number}`,
  });
  await change(on, sql`update pipeline_run set job = ${job.id} where number = ${run.number}`);
  return job;
}

/**
 * Gives the uploads whose data a pipeline run was copying their final state, which is the outcome of the run.
 */
const endUploads = (
  on: Queryable,
  run: number,
  { state, note }: { state: 'completed' | 'failed'; note: string | null },
) =>
  change(
    on,
    sql`update upload set state = ${state}, error = ${note}, changed_at = utc_timestamp(3)
         where pipeline_run = ${run} and state = 'processing_dataflow'`,
  );

const find = (on: Queryable, number: number) =>
  first<Run>(on, sql`select * from pipeline_run where number = ${number}`);

/**
 * Reads a run.
 * @throws NotFound when there is no run with this number
 */
export async function known(on: Queryable, number: number): Promise<Run> {
  const found = await find(on, number);
  if (!found) throw new NotFound('There is no such pipeline run.');
  return found;
}

export type RunFilter = { state: string; dataset: number | null; before: number | null };

/** Lists runs, newest first: at most 50, with numbers below `before`. */
export const list = (on: Queryable, { state, dataset, before }: RunFilter) =>
  select<Run>(
    on,
    sql`select * from pipeline_run
         where (${state} = '' or state = ${state})
           and (${dataset} is null or dataset = ${dataset})
           and (${before} is null or number < ${before})
         order by number desc limit 50`,
  );

/**
 * Changes a run if it is in the expected state. Returns false otherwise: another worker or a newer
 * run was first.
 */
export const advance = async (
  on: Queryable,
  { number }: Pick<Run, 'number'>,
  expected: Statement,
  what: Statement,
): Promise<boolean> =>
  (await change(
    on,
    sql`update pipeline_run set ${what}, changed_at = utc_timestamp(3)
         where number = ${number} and ${expected}`,
  )) === 1;

/**
 * Marks a run as completed after its table has replaced the former one. The uploads whose data the run copied are
 * completed, too.
 */
export const complete = (here: App, { number }: Run) =>
  transaction(here.sql, async (on) => {
    const ended = sql`state = 'completed', ended_at = utc_timestamp(3), error = null`;
    const isEnded = await advance(on, { number }, sql`state = 'swapping'`, ended);
    if (isEnded) await endUploads(on, number, { state: 'completed', note: null });
    return isEnded;
  });

/**
 * Marks a run as failed; it then stops until a person resumes it. The uploads whose data the run was copying fail, too.
 */
export const fail = (here: App, { number }: Pick<Run, 'number'>, message: string) =>
  transaction(here.sql, async (on) => {
    const failed = sql`state = 'failed', ended_at = utc_timestamp(3), error = ${message.slice(0, 2000)}`;
    const isEnded = await advance(on, { number }, sql`state in (${liveStates})`, failed);
    if (isEnded) await endUploads(on, number, { state: 'failed', note: message.slice(0, 2000) });
  });

/**
 * Lets a failed run continue after the pages that it has fetched and inserted. If its stored pages have been deleted,
 * it begins with the first page again. Returns the job, which the caller must queue.
 * @throws Conflict when the run has not failed
 */
export const resume = (here: App, person: string, { number }: Pick<Run, 'number'>): Promise<Job> =>
  transaction(here.sql, async (on) => {
    const run = await first<Run>(
      on,
      sql`select * from pipeline_run where number = ${number} for update`,
    );
    if (!run) throw new NotFound('There is no such pipeline run.');
    if (run.state !== 'failed') {
      throw new Conflict(`Run ${number} is ${run.state}: only a failed one is resumed.`);
    }
    await change(on, sql`update pipeline_run set ${resumed(run)} where number = ${number}`);
    await change(
      on,
      sql`update upload set state = 'processing_dataflow', error = null, changed_at = utc_timestamp(3)
           where pipeline_run = ${number} and state = 'failed'`,
    );
    await audit.write(on, {
      person,
      action: 'resumed a pipeline run',
      subject: `${run.organisation}/${run.name}`,
      detail: `Run ${number}`,
    });
    return requestJob(on, { ...run, person });
  });

function resumed({ pages_removed_at: removed, structure, next, pages_fetched: pages }: Run) {
  const live = sql`ended_at = null, error = null, changed_at = utc_timestamp(3)`;
  if (removed !== null) {
    return sql`${live}, state = 'fetching', next = null, pages_fetched = 0, pages_inserted = 0, rows_inserted = 0,
               structure = null, pages_removed_at = null`;
  }
  const isFetched = structure !== null && next === null && pages > 0;
  return isFetched ? sql`${live}, state = 'inserting'` : sql`${live}, state = 'fetching'`;
}

/**
 * Lists unfinished runs that no job works on, because their job has failed, was cancelled or is
 * gone.
 */
export const abandoned = (on: Queryable) =>
  select<Run & { problem: string | null; cancelled_by: string | null }>(
    on,
    sql`select pipeline_run.*, job.problem, job.cancelled_by
          from pipeline_run left join job on job.id = pipeline_run.job
         where pipeline_run.state in (${liveStates})
           and (job.id is null or job.state in ('done', 'failed', 'cancelled'))
         limit 100`,
  );
