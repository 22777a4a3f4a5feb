// Helpers for tests of datasets: upload, examine and load data files as the pages do.
import { Readable } from 'node:stream';
import { select, sql } from '../../src/database/sql.ts';
import * as datasets from '../../src/datasets/datasets.ts';
import type { Dataset, PostedDataset } from '../../src/datasets/datasets.ts';
import { examinationOf } from '../../src/datasets/examination.ts';
import { cellsFromJson } from '../../src/datasets/reading/values.ts';
import { receive } from '../../src/datasets/receive.ts';
import * as registry from '../../src/datasets/registry.ts';
import type { Datafile } from '../../src/datasets/registry.ts';
import * as reloading from '../../src/datasets/reloading.ts';
import * as rows from '../../src/datasets/rows.ts';
import * as uploads from '../../src/datasets/uploads.ts';
import type { App } from '../../src/environments/app.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';

const person = 'dana@example.com';

export async function addDataset(here: App, posted: PostedDataset = {}): Promise<Dataset> {
  const id = await datasets.add(here, person, {
    organisation: 'statistics',
    name: 'cities',
    ...posted,
  });
  return datasets.known(here.sql, id);
}

/** Runs all waiting jobs, and the jobs that these request, until no job is waiting. */
export async function runJobs(here: App) {
  for (;;) {
    const waiting = await select<{ id: string }>(
      here.sql,
      sql`select id from job where state = 'waiting' and coalesce(run_at, created_at) <= utc_timestamp(3)
             and kind in (${Object.keys(tasks)})
           order by number`,
    );
    if (waiting.length === 0) return;
    for (const { id } of waiting) await runJob(here, tasks, id);
  }
}

/**
 * Uploads a file and runs the job that examines it. The file then waits until a person confirms how it will be read
 * (encoding, delimiter, columns).
 */
export async function upload(
  here: App,
  dataset: Dataset,
  content: string | Buffer,
  fileName = 'cities.csv',
): Promise<Datafile> {
  const stream = Readable.from([Buffer.from(content)]);
  const { id } = await receive(
    here,
    { dataset, person },
    { fileName, content: stream, expected: null },
  );
  await runJobs(here);
  const { datafile } = await uploads.known(here.sql, id);
  return registry.known(here.sql, datafile ?? 0);
}

/**
 * Confirms how a file will be read (encoding, delimiter, columns), as its examination has proposed, and returns the job
 * that loads the file.
 */
export async function confirm(here: App, { id }: Datafile) {
  const file = await registry.known(here.sql, id);
  const examined = examinationOf(file);
  if (!examined) throw new Error(`${file.file_name} was not examined: ${file.error_message}`);
  const { reading, differing } = examined;
  return reloading.confirm(here, person, { file, reading, acceptsColumns: differing.length > 0 });
}

/** Uploads a file, confirms how it will be read, and loads it. */
export async function load(
  here: App,
  dataset: Dataset,
  content: string | Buffer,
  fileName = 'cities.csv',
): Promise<Datafile> {
  const file = await upload(here, dataset, content, fileName);
  await confirm(here, file);
  await runJobs(here);
  return registry.known(here.sql, file.id);
}

/** Reads the rows of a version of a dataset; by default of the current version. */
export async function rowsOf(here: App, { id }: Dataset, number?: number) {
  const { current_version: current } = await datasets.known(here.sql, id);
  const version = number ?? current;
  if (version === null) return [];
  const all = await rows.page(
    here.sql,
    { dataset: id, version },
    { from: 1, limit: Number.MAX_SAFE_INTEGER },
  );
  return all.map(({ cells }) => cellsFromJson(cells));
}

/** Counts the stored rows of a data file, even if no version of the dataset contains them. */
export const storedRows = async (here: App, { id }: Pick<Datafile, 'id'>): Promise<number> =>
  (await select(here.sql, sql`select id from data_row where datafile = ${id}`)).length;
