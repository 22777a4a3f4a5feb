// The registry of data files: every file that was stored, from a source or an upload, and what became of it.
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
 * The state of a data file. `processing`: stored, and examined or loaded; `processed`: in a version; `failed`: not
 * loaded, with a reason; `ignored`: a person said so.
 */
export type DatafileState = 'processing' | 'processed' | 'failed' | 'ignored';

/** Why a data file failed: the pages offer another way out for each. */
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
  /** The source that the file was fetched from; null for an upload. */
  source: number | null;
  file_name: string;
  /** The number of the fetch: a file that is fetched again from its source gets the next one. */
  fetch_number: number;
  state: DatafileState;
  /** The key of the stored file in object storage. */
  object: string;
  /** Where it was fetched from. */
  url: string | null;
  size: number;
  sha256: string;
  etag: string | null;
  /** Size and ETag that the source last listed for a file of this name. */
  seen_size: number | null;
  seen_etag: string | null;
  /** What a person chose for its reading, as JSON. */
  choices: string | null;
  /** What its examination found, as JSON; null while it has not been examined with the present choices. */
  examination: string | null;
  /** The reading by which it is or was loaded, as JSON. */
  reading: string | null;
  counts: string | null;
  /** Whether a person accepted that its columns differ from those of the current version. */
  accepts_columns: 0 | 1;
  /** The last line whose rows are stored, and how many rows are: a killed load continues after them. */
  loaded_line: number;
  loaded_rows: number;
  reason: DatafileReason | null;
  error_message: string | null;
  person: string;
  job: string | null;
  checked_at: string | null;
  /** When its content was last hashed. */
  hashed_at: string | null;
  /** What the nightly check of the stored file found: `ok`, `missing` or `changed`. */
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
 * Adds a stored file to the registry, in the caller's transaction. A file of a source that another worker has added
 * already is not added again.
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
 * Reads a data file.
 * @throws NotFound when there is none with this id
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

/** A data file as lists show it, without the columns that may be large. */
export type ListedDatafile = Omit<Datafile, 'choices' | 'examination' | 'reading'>;
const inList = sql`id, dataset, source, file_name, fetch_number, state, object, url, size, sha256, etag, seen_size, seen_etag,
                   counts, accepts_columns, loaded_line, loaded_rows, reason, error_message, person, job, checked_at, hashed_at,
                   check_result, created_timestamp, updated_timestamp`;

/** Lists data files newest first, 50 a page, with ids below `before`. */
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

/** Changes a data file, if it is in one of these states, and under a further condition; returns whether it was. */
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
 * @throws Conflict when it is in none of these states any more, or no longer fulfils the condition
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

/** Fails a data file, if it is still the same job that has it; returns whether it failed. */
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

/** Whether the source lists another file under this name than the one that is stored. */
export const differsAtSource = ({
  size,
  etag,
  seen_size: seenSize,
  seen_etag: seenEtag,
}: Pick<Datafile, 'size' | 'etag' | 'seen_size' | 'seen_etag'>): boolean =>
  (seenSize !== null && seenSize !== size) ||
  (etag !== null && seenEtag !== null && seenEtag !== etag);

/** The condition that a line, called `file`, differs at its source. */
export const differing = sql`(file.seen_size <> file.size or file.seen_etag <> file.etag)`;

export const readingOf = ({ reading }: Datafile): Reading | null =>
  reading === null ? null : readingSchema.parse(JSON.parse(reading));
export const choicesOf = ({ choices }: Datafile): Choices =>
  choices === null ? {} : choicesSchema.parse(JSON.parse(choices));
export const countsOf = ({ counts }: Pick<Datafile, 'counts'>): Counts | null =>
  counts === null ? null : (JSON.parse(counts) as Counts);
