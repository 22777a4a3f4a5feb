// Uploads: files that people send with the browser. The state of an upload is recorded from its first byte until its
// rows have been copied into the datasets database, a separate database that the pipeline writes.
import type { PoolConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import {
  byPrimaryKey,
  first,
  run,
  select,
  sql,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { NotFound } from '../problems.ts';

/**
 * The state of an upload. `uploading`: bytes arrive; `uploaded`: stored, waits for a person to check it; `verified`: a
 * person confirmed how the file is parsed; `processing_dss`: rows are being loaded; `processing_dataflow`: the version
 * is current, and the pipeline writes it into the datasets database.
 */
export type UploadState =
  | 'uploading'
  | 'uploaded'
  | 'verified'
  | 'processing_dss'
  | 'processing_dataflow'
  | 'completed'
  | 'failed';

export type Upload = {
  id: string;
  dataset: number;
  file_name: string;
  state: UploadState;
  datafile: number | null;
  /** How many bytes have arrived, and how many bytes the browser announced. */
  received: number;
  expected: number | null;
  pipeline_run: number | null;
  error: string | null;
  person: string;
  created_at: string;
  changed_at: string;
};

/** An upload waits this many days for a person to check it, and then fails. */
export const WAITS_DAYS = 7;

const now = sql`utc_timestamp(3)`;

type NewUpload = {
  dataset: number;
  fileName: string;
  expected: number | null;
  person: string;
};

/** Records that an upload begins; returns its id. */
export async function begin(on: Queryable, wanted: NewUpload): Promise<string> {
  const id = uuid();
  await run(
    on,
    sql`insert into upload (id, dataset, file_name, state, expected, person, created_at, changed_at)
        values (${id}, ${wanted.dataset}, ${wanted.fileName}, 'uploading', ${wanted.expected}, ${wanted.person},
          ${now}, ${now})`,
  );
  return id;
}

export const noteReceived = (on: Queryable, id: string, received: number) =>
  run(
    on,
    sql`update ${byPrimaryKey('upload')} set received = ${received}, changed_at = ${now}
         where id = ${id} and state = 'uploading'`,
  );

/**
 * Records that the whole file is stored as a data file. Returns false if the upload was marked as
 * failed meanwhile.
 */
export const endReceiving = async (
  on: Queryable,
  id: string,
  { datafile, received }: { datafile: number; received: number },
): Promise<boolean> =>
  (await run(
    on,
    sql`update ${byPrimaryKey('upload')} set state = 'uploaded', datafile = ${datafile}, received = ${received}, changed_at = ${now}
         where id = ${id} and state = 'uploading'`,
  )) === 1;

export const failReceiving = (
  on: Queryable,
  id: string,
  { received, error }: { received: number; error: string },
) =>
  run(
    on,
    sql`update ${byPrimaryKey('upload')} set state = 'failed', received = ${received}, error = ${error}, changed_at = ${now}
         where id = ${id} and state = 'uploading'`,
  );

/**
 * Reads an upload.
 * @throws NotFound if no upload has this id
 */
export async function known(on: Queryable, id: string): Promise<Upload> {
  const found = await first<Upload>(on, sql`select * from upload where id = ${id}`);
  if (!found) throw new NotFound('There is no such upload.');
  return found;
}

/** Lists the newest uploads of a dataset. */
export const ofDataset = (on: Queryable, dataset: number, limit = 10) =>
  select<Upload>(
    on,
    sql`select * from upload where dataset = ${dataset} order by created_at desc, id desc limit ${limit}`,
  );

/** Finds the upload of a data file; undefined if the file was fetched from a data source. */
export const ofDatafile = (on: Queryable, datafile: number) =>
  first<Upload>(
    on,
    sql`select * from upload where datafile = ${datafile} order by created_at desc limit 1`,
  );

const move = (
  on: Queryable,
  datafile: number,
  from: UploadState[],
  what: Statement,
): Promise<number> =>
  run(
    on,
    sql`update upload set ${what}, changed_at = ${now}
         where datafile = ${datafile} and state in (${from})`,
  );

/**
 * Sets an upload back to the state in which a person must confirm how its file is read, because the file is examined
 * again.
 */
export const reopen = (on: PoolConnection, datafile: number) =>
  move(on, datafile, ['failed', 'uploaded'], sql`state = 'uploaded', error = null`);

/**
 * Records that a person confirmed how the file is parsed. An upload that had failed or was
 * completed begins again.
 */
export const verify = (on: PoolConnection, datafile: number) =>
  move(on, datafile, ['uploaded', 'failed', 'completed'], sql`state = 'verified', error = null`);

export const beginLoading = (on: Queryable, datafile: number) =>
  move(on, datafile, ['verified'], sql`state = 'processing_dss'`);

/**
 * Records that the rows of the file are loaded, in the commit that makes the version. `pipelineRun`: the run of the
 * pipeline that copies the version into the datasets database; null if there is none.
 */
export const endLoading = (on: PoolConnection, datafile: number, pipelineRun: number | null) =>
  move(
    on,
    datafile,
    ['verified', 'processing_dss'],
    pipelineRun === null
      ? sql`state = 'completed'`
      : sql`state = 'processing_dataflow', pipeline_run = ${pipelineRun}`,
  );

export const fail = (on: Queryable, datafile: number, error: string) =>
  move(
    on,
    datafile,
    ['uploaded', 'verified', 'processing_dss'],
    sql`state = 'failed', error = ${error.slice(0, 2000)}`,
  );

/**
 * Finds uploads whose process died while bytes arrived: they recorded no progress for two minutes.
 */
export const abandoned = (on: Queryable) =>
  select<Upload>(
    on,
    sql`select * from upload
         where state = 'uploading' and changed_at < ${now} - interval 2 minute limit 100`,
  );

/** Finds the data files of uploads that nobody checked within seven days. */
export const unchecked = (on: Queryable) =>
  select<{ id: number; job: string | null }>(
    on,
    sql`select file.id, file.job
          from upload join operations_datafile_registry file on file.id = upload.datafile
         where upload.state = 'uploaded' and upload.changed_at < ${now} - interval ${WAITS_DAYS} day limit 100`,
  );
