// Requests that a data file is examined or loaded: for the first time, after a failure, or again as a new version.
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import { first, run, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Job } from '../jobs/jobs.ts';
import { LOAD } from './load.ts';
import { requestExamination } from './examination.ts';
import type { Choices, Reading } from './reading/reading.ts';
import * as registry from './registry.ts';
import type { Datafile } from './registry.ts';
import * as uploads from './uploads.ts';

const withoutRows = sql`state = 'processing', reason = null, error_message = null, counts = null, loaded_line = 0,
                        loaded_rows = 0`;
const fromTheStart = sql`${withoutRows}, examination = null, reading = null, accepts_columns = false`;
/**
 * The condition that a file is not being loaded. After a person has confirmed how the file is parsed (`reading`), a job
 * loads the file, and nobody may change the file unless that job fails.
 */
const isNotLoading = sql`(state = 'failed' or reading is null)`;

/**
 * Requests another examination of a data file after a person has changed how the file is parsed. No row is loaded yet.
 */
export const chooseReading = (
  here: App,
  person: string,
  { file, choices }: { file: Datafile; choices: Choices },
): Promise<Job> =>
  transaction(here.sql, async (on) => {
    const what = sql`${fromTheStart}, choices = ${JSON.stringify(choices)}`;
    await registry.changeOrRefuse(on, file, ['processing', 'failed'], what, isNotLoading);
    await uploads.reopen(on, file.id);
    return (await requestExamination(on, file, person)).job;
  });

/**
 * Prepares a data file to be loaded again, and requests the job that examines it. The rows of a dataset version never
 * change, so a file that is in a version gets a second entry in the table of data files. Returns the entry that a
 * person must check, and the job.
 */
export const loadAgain = (
  here: App,
  person: string,
  file: Datafile,
): Promise<{ file: Datafile; job: Job }> =>
  transaction(here.sql, async (on) => {
    await audit.write(on, { person, action: 'reopened a data file', subject: file.file_name });
    const again = file.state === 'processed' ? await secondLine(on, file, person) : file;
    if (again === file) {
      await registry.changeOrRefuse(on, file, ['failed', 'ignored'], fromTheStart);
      await uploads.reopen(on, file.id);
    }
    return { file: again, job: (await requestExamination(on, again, person)).job };
  });

async function secondLine(on: PoolConnection, file: Datafile, person: string): Promise<Datafile> {
  const last = await first<{ fetch_number: number }>(
    on,
    sql`select max(fetch_number) as fetch_number from operations_datafile_registry
         where source <=> ${file.source} and file_name = ${file.file_name} and dataset = ${file.dataset}`,
  );
  const again = await registry.add(on, {
    ...file,
    person,
    fetch_number: (last?.fetch_number ?? file.fetch_number) + 1,
  });
  const what = sql`choices = ${file.choices}, seen_size = ${file.seen_size}, seen_etag = ${file.seen_etag}`;
  await registry.change(on, again, ['processing'], what);
  return again;
}

type Confirmed = { file: Datafile; reading: Reading; acceptsColumns: boolean };

/**
 * Records that a person confirmed how a data file is parsed, and requests the job that loads the
 * file.
 */
export const confirm = (
  here: App,
  person: string,
  { file, reading, acceptsColumns }: Confirmed,
): Promise<Job> =>
  transaction(here.sql, async (on) => {
    const what = sql`${withoutRows}, reading = ${JSON.stringify(reading)}, accepts_columns = ${acceptsColumns},
                     person = ${person}`;
    await registry.changeOrRefuse(
      on,
      file,
      ['processing', 'failed'],
      what,
      sql`${isNotLoading} and updated_timestamp = ${file.updated_timestamp}`,
    );
    await uploads.verify(on, file.id);
    return requestLoad(on, file, person);
  });

/**
 * Records that a person accepted that the columns of a file differ from those of its dataset, and requests the job that
 * loads the file.
 */
export const acceptColumns = (here: App, person: string, file: Datafile): Promise<Job> =>
  transaction(here.sql, async (on) => {
    await registry.changeOrRefuse(
      on,
      file,
      ['failed'],
      sql`${withoutRows}, accepts_columns = true`,
    );
    await uploads.verify(on, file.id);
    await uploads.verify(on, file.id);
    await audit.write(on, { person, action: 'accepted new columns', subject: file.file_name });
    return requestLoad(on, file, person);
  });

async function requestLoad(on: PoolConnection, file: Datafile, person: string): Promise<Job> {
  const { job } = await jobs.request(on, {
    kind: LOAD,
    name: `Load ${file.file_name}`,
    person,
    input: { datafile: file.id },
    onlyOne: `${LOAD}:${file.id}`,
  });
  await run(on, sql`update operations_datafile_registry set job = ${job.id} where id = ${file.id}`);
  return job;
}

/** Marks a data file as ignored, so that it is not loaded, and records the reason. */
export const ignore = (here: App, person: string, file: Datafile, reason: string) =>
  transaction(here.sql, async (on) => {
    const what = sql`state = 'ignored', error_message = ${reason}`;
    await registry.changeOrRefuse(on, file, ['failed', 'processing'], what, isNotLoading);
    await uploads.fail(on, file.id, `Ignored by ${person}: ${reason}`);
    await audit.write(on, {
      person,
      action: 'ignored a data file',
      subject: file.file_name,
      detail: reason,
    });
  });
