// Versions of a dataset. A version is an ordered list of data files and never changes. One commit makes a new version
// visible.
import type { PoolConnection } from 'mysql2/promise';
import { z } from 'zod';
import * as audit from '../audit/audit.ts';
import { insertRows } from '../database/bulk.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { Conflict, NotFound } from '../problems.ts';
import * as pipeline from '../pipeline/runs.ts';
import { fullName, type Dataset } from './datasets.ts';
import { columnSchema, type Column } from './reading/reading.ts';

export type Version = {
  dataset: number;
  number: number;
  columns: Column[];
  row_count: number;
  person: string;
  reason: string | null;
  created_at: string;
  /** When a client last read rows of the version. */
  read_at: string | null;
  /** When the rows of the version were deleted; null while they can be read. */
  purged_at: string | null;
};

/**
 * A data file in a version. `first_id`: the id that the first row of the file has in the version.
 */
type VersionFile = {
  position: number;
  datafile: number;
  first_id: number;
  row_count: number;
};

type Stored = Omit<Version, 'columns'> & { columns: string };
const columnsSchema = z.array(columnSchema);
const parsedVersion = (line: Stored): Version => ({
  ...line,
  columns: columnsSchema.parse(JSON.parse(line.columns)),
});

/** Finds a version of a dataset; returns undefined if it has no version with this number. */
export async function find(
  on: Queryable,
  dataset: number,
  number: number,
): Promise<Version | undefined> {
  const found = await first<Stored>(
    on,
    sql`select * from data_version where dataset = ${dataset} and number = ${number}`,
  );
  return found && parsedVersion(found);
}

/** Reads the current version of a dataset; returns undefined before the first file is loaded. */
export const current = async (on: Queryable, dataset: Dataset): Promise<Version | undefined> =>
  dataset.current_version === null ? undefined : find(on, dataset.id, dataset.current_version);

/** Lists all versions of a dataset, newest first. */
export async function list(on: Queryable, dataset: number): Promise<Version[]> {
  const lines = await select<Stored>(
    on,
    sql`select * from data_version where dataset = ${dataset} order by number desc`,
  );
  return lines.map(parsedVersion);
}

type NewVersion = {
  dataset: Dataset;
  datafile: number;
  rows: number;
  columns: Column[];
  person: string;
  reason: string | null;
};

/**
 * Makes a version that contains a loaded data file, makes it the current version, and requests the pipeline run that
 * copies it into the datasets database. Uses the transaction of the caller, who has locked `dataset`.
 */
export async function publish(here: App, on: PoolConnection, wanted: NewVersion) {
  const { dataset, datafile, rows, columns, person } = wanted;
  const files = numbered(await filesWith(on, dataset, { datafile, row_count: rows }));
  const total = files.reduce((sum, { row_count }) => sum + row_count, 0);
  const last = await first<{ number: number | null }>(
    on,
    sql`select max(number) as number from data_version where dataset = ${dataset.id}`,
  );
  const number = (last?.number ?? 0) + 1;
  await run(
    on,
    sql`insert into data_version (dataset, number, columns, row_count, person, reason, created_at)
        values (${dataset.id}, ${number}, ${JSON.stringify(columns)}, ${total}, ${person}, ${wanted.reason},
          utc_timestamp(3))`,
  );
  await insertRows(
    on,
    'data_version_file',
    files.map((file) => ({ dataset: dataset.id, version: number, ...file })),
  );
  await run(on, sql`update dataset set current_version = ${number} where id = ${dataset.id}`);
  await audit.write(on, {
    person,
    action: 'loaded a version',
    subject: fullName(dataset),
    detail: `Version ${number}, ${total} rows${wanted.reason ? `: ${wanted.reason}` : ''}`,
  });
  const job = await pipeline.request(here, on, { dataset, version: number, rows: total, person });
  return { number, total, ...job };
}

type FilePart = Pick<VersionFile, 'datafile' | 'row_count'>;

/**
 * Returns the data files of the next version. In a dataset in mode `replace`, that is the new file alone. In mode
 * `append`, the new file comes after the files of the current version, or replaces the same file if it was loaded
 * before.
 */
async function filesWith(
  on: Queryable,
  { id, mode, current_version: version }: Dataset,
  added: FilePart,
): Promise<FilePart[]> {
  if (mode === 'replace' || version === null) return [added];
  const before = await select<FilePart & { is_same: number }>(
    on,
    sql`select used.datafile, used.row_count,
               (file.object = new.object
                 or (file.source = new.source and file.file_name = new.file_name)) is true as is_same
          from data_version_file used
          join operations_datafile_registry file on file.id = used.datafile
          join operations_datafile_registry new on new.id = ${added.datafile}
         where used.dataset = ${id} and used.version = ${version}
         order by used.position`,
  );
  const place = before.findIndex(({ is_same }) => is_same === 1);
  if (place === -1) return [...before, added];
  return before.flatMap((file, index) =>
    index === place ? [added] : file.is_same === 1 ? [] : [file],
  );
}

/** Counts how many other data files the next version of the dataset will contain besides `datafile`. */
export const filesBeside = async (on: Queryable, dataset: Dataset, datafile: number) =>
  (await filesWith(on, dataset, { datafile, row_count: 0 })).length - 1;

const numbered = (files: FilePart[]): VersionFile[] => {
  let next = 1;
  return files.map(({ datafile, row_count }, index) => {
    const first_id = next;
    next += row_count;
    return { position: index + 1, datafile, first_id, row_count };
  });
};

/**
 * Returns the number of the newest version that contains a data file; null if no version contains
 * it.
 */
export async function madeBy(on: Queryable, datafile: number): Promise<number | null> {
  const found = await first<{ version: number | null }>(
    on,
    sql`select max(version) as version from data_version_file where datafile = ${datafile}`,
  );
  return found?.version ?? null;
}

/** Locks a dataset until the version is committed, and reads its present settings. */
export async function lockDataset(on: PoolConnection, id: number): Promise<Dataset> {
  const found = await first<Dataset>(on, sql`select * from dataset where id = ${id} for update`);
  if (!found) throw new NotFound('There is no such dataset.');
  return found;
}

/**
 * Makes an earlier version current again; no file is loaded. `seen` is the number of the version that the page showed
 * as current.
 * @throws Conflict if another version became current meanwhile, or the rows of the earlier version were deleted
 */
export const restore = (
  here: App,
  person: string,
  {
    dataset: id,
    number,
    seen,
    reason,
  }: { dataset: number; number: number; seen: number; reason: string },
) =>
  transaction(here.sql, async (on) => {
    const dataset = await lockDataset(on, id);
    const version = await find(on, id, number);
    if (!version) throw new NotFound(`${fullName(dataset)} has no version ${number}.`);
    if (version.purged_at !== null) {
      throw new Conflict(
        `The rows of version ${number} were deleted, because ${fullName(dataset)} keeps ${dataset.keep_versions} versions. Load its data file again: it becomes a new version.`,
      );
    }
    if (dataset.current_version !== seen) {
      throw new Conflict(
        `Version ${dataset.current_version} became current after this page was shown. Reload the page, and restore again if you still want to.`,
      );
    }
    if (number === seen) throw new Conflict(`Version ${number} is the current one already.`);
    await run(on, sql`update dataset set current_version = ${number} where id = ${id}`);
    await audit.write(on, {
      person,
      action: 'restored a version',
      subject: fullName(dataset),
      detail: `Version ${number} instead of ${seen}: ${reason}`,
    });
    return pipeline.request(here, on, {
      dataset,
      version: number,
      rows: version.row_count,
      person,
    });
  });
