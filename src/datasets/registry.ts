// The table of data files (the registry): an entry for every file that was uploaded or fetched from a data source, with
// its state.
import type { PoolConnection } from 'mysql2/promise';
import {
  first,
  run,
  runForId,
  select,
  sql,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { Conflict, NotFound } from '../problems.ts';
import {
  choicesSchema,
  readingSchema,
  type Choices,
  type Counts,
  type Reading,
} from './reading/reading.ts';

/**
 * The state of a data file. `processing`: stored, but not loaded yet; `processed`: loaded into a version of its
 * dataset; `failed`: not loaded, with a reason; `ignored`: a person decided not to load it.
 */
export type DatafileState = 'processing' | 'processed' | 'failed' | 'ignored';

/** Why a data file failed. Pages offer a different solution for each reason. */
export type DatafileReason =
  | 'unreadable'
  | 'columns-differ'
  | 'columns-mixed'
  | 'question'
  | 'unchecked'
  | 'object-missing'
  | 'object-changed'
  | 'storage'
  | 'other';

export type Datafile = {
  id: number;
  dataset: number;
  /** The data source that the file was fetched from; null for an uploaded file. */
  source: number | null;
  file_name: string;
  /**
   * A file gets another entry each time that it is fetched or loaded again. This number counts the entries of the same
   * file, from 1.
   */
  fetch_number: number;
  state: DatafileState;
  /** The key of the file in object storage. */
  object: string;
  /** The URL that the file was fetched from; null for an uploaded file. */
  url: string | null;
  size: number;
  sha256: string;
  etag: string | null;
  /**
   * The size and ETag that the data source reported for this file name when it was last asked. They differ from `size`
   * and `etag` if the file changed at the data source.
   */
  seen_size: number | null;
  seen_etag: string | null;
  /** The choices of a person about how to parse the file, as JSON. */
  choices: string | null;
  /**
   * The findings of the examination of the file, as JSON; null if the file has not been examined
   * with its present choices.
   */
  examination: string | null;
  /** The rules by which the file is parsed when it is loaded, as JSON. */
  reading: string | null;
  counts: string | null;
  /**
   * Whether a person accepted that the columns of the file differ from the columns of the dataset’s current version.
   */
  accepts_columns: 0 | 1;
  /**
   * How far the load is: the last line whose rows are stored, and how many rows are stored. After a
   * kill, the load continues from there.
   */
  loaded_line: number;
  loaded_rows: number;
  reason: DatafileReason | null;
  error_message: string | null;
  person: string;
  job: string | null;
  checked_at: string | null;
  /** When the nightly check last hashed the content of the stored file. */
  hashed_at: string | null;
  /** The result of the last nightly check of the stored file: `ok`, `missing` or `changed`. */
  check_result: string | null;
  created_timestamp: string;
  updated_timestamp: string;
};

type NewDatafile = Pick<
  Datafile,
  'dataset' | 'source' | 'file_name' | 'object' | 'size' | 'sha256' | 'person'
> &
  Partial<Pick<Datafile, 'fetch_number' | 'url' | 'etag'>>;

/**
 * Adds a stored file to the table of data files, in the transaction of the caller. If another worker has already added
 * the same file of a data source, returns the existing entry.
 */
export async function add(on: PoolConnection, file: NewDatafile): Promise<Datafile> {
  const id = await runForId(
    on,
    sql`insert into operations_datafile_registry
          (dataset, source, file_name, fetch_number, state, object, url, size, sha256, etag, seen_size, seen_etag, person,
           created_timestamp, updated_timestamp)
        values (${file.dataset}, ${file.source}, ${file.file_name}, ${file.fetch_number ?? 1}, 'processing', ${file.object},
          ${file.url ?? null}, ${file.size}, ${file.sha256}, ${file.etag ?? null}, ${file.size}, ${file.etag ?? null},
          ${file.person}, utc_timestamp(3), utc_timestamp(3))
        on duplicate key update id = last_insert_id(id)`,
  );
  return known(on, id);
}

/**
 * Reads the registry entry of a data file.
 * @throws NotFound if no data file has this id
 */
export async function known(on: Queryable, id: number): Promise<Datafile> {
  const found = await first<Datafile>(
    on,
    sql`select * from operations_datafile_registry where id = ${id}`,
  );
  if (!found) throw new NotFound('There is no such data file.');
  return found;
}

export type DatafileFilter = {
  state: string;
  dataset: number | null;
  source: number | null;
  before: number | null;
};

/** A data file as lists show it, without the columns that may hold large JSON texts. */
export type ListedDatafile = Omit<Datafile, 'choices' | 'examination' | 'reading'>;
const inList = sql`id, dataset, source, file_name, fetch_number, state, object, url, size, sha256, etag, seen_size, seen_etag,
                   counts, accepts_columns, loaded_line, loaded_rows, reason, error_message, person, job, checked_at, hashed_at,
                   check_result, created_timestamp, updated_timestamp`;

/** Lists data files, newest first, 50 per page; `before` continues below that id. */
export const list = (on: Queryable, { state, dataset, source, before }: DatafileFilter) =>
  select<ListedDatafile>(
    on,
    sql`select ${inList} from operations_datafile_registry
         where (${state} = '' or state = ${state})
           and (${dataset} is null or dataset = ${dataset})
           and (${source} is null or source = ${source})
           and (${before} is null or id < ${before})
         order by id desc limit 50`,
  );

/**
 * Changes a data file if its state is one of `states` and it fulfils the condition `only`. Returns whether it was
 * changed.
 */
export const change = async (
  on: Queryable,
  { id }: Pick<Datafile, 'id'>,
  states: DatafileState[],
  what: Statement,
  only = sql`true`,
): Promise<boolean> =>
  (await run(
    on,
    sql`update operations_datafile_registry
           set ${what}, updated_timestamp = utc_timestamp(3)
         where id = ${id} and state in (${states}) and ${only}`,
  )) === 1;

/**
 * Changes a data file.
 * @throws Conflict if the file is no longer in one of the given states or no longer fulfils `only`
 */
export async function changeOrRefuse(
  on: Queryable,
  file: Pick<Datafile, 'id' | 'file_name'>,
  states: DatafileState[],
  what: Statement,
  only = sql`true`,
) {
  if (await change(on, file, states, what, only)) return;
  const { state, reading } = await known(on, file.id);
  const now = state === 'processing' && reading !== null ? 'being loaded' : state;
  throw new Conflict(`${file.file_name} is ${now} now. Nothing was changed: reload the page.`);
}

/**
 * Marks a data file as failed, unless another job has taken it over. Returns whether it was marked.
 */
export const fail = (
  on: Queryable,
  file: Pick<Datafile, 'id' | 'job'>,
  { reason, message }: { reason: DatafileReason; message: string },
) =>
  change(
    on,
    file,
    ['processing'],
    sql`state = 'failed', reason = ${reason}, error_message = ${message.slice(0, 2000)}`,
    sql`job <=> ${file.job}`,
  );

/**
 * Whether the data source now offers another file under the name of this data file: the size or ETag that the data
 * source reports differs from the stored file.
 */
export const differsAtSource = ({
  size,
  etag,
  seen_size: seenSize,
  seen_etag: seenEtag,
}: Pick<Datafile, 'size' | 'etag' | 'seen_size' | 'seen_etag'>): boolean =>
  (seenSize !== null && seenSize !== size) ||
  (etag !== null && seenEtag !== null && seenEtag !== etag);

/**
 * SQL condition, for the table alias `file`, that the data source now offers another file under the name of this data
 * file.
 */
export const differing = sql`(file.seen_size <> file.size or file.seen_etag <> file.etag)`;

export const readingOf = ({ reading }: Datafile): Reading | null =>
  reading === null ? null : readingSchema.parse(JSON.parse(reading));
export const choicesOf = ({ choices }: Datafile): Choices =>
  choices === null ? {} : choicesSchema.parse(JSON.parse(choices));
export const countsOf = ({ counts }: Pick<Datafile, 'counts'>): Counts | null =>
  counts === null ? null : (JSON.parse(counts) as Counts);
