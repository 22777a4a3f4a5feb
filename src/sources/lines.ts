// Reads and writes the entries of a data source in the registry of data files, including the size and ETag that the
// source last listed for each file.
import type { PoolConnection } from 'mysql2/promise';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import * as registry from '../datasets/registry.ts';
import type { Datafile } from '../datasets/registry.ts';
import type { App } from '../environments/app.ts';
import { keyOf } from './names.ts';
import type { Source } from './sources.ts';

/**
 * An entry of the registry of data files, for a file that was fetched from a data source. `fetch_number` counts the
 * entries of one file: the file gets a new entry when it is fetched or loaded again.
 */
export type SourceFile = Pick<
  Datafile,
  | 'id'
  | 'file_name'
  | 'fetch_number'
  | 'state'
  | 'object'
  | 'url'
  | 'size'
  | 'sha256'
  | 'etag'
  | 'seen_size'
  | 'seen_etag'
  | 'error_message'
  | 'created_timestamp'
>;

const columns = sql`id, file_name, fetch_number, state, object, url, size, sha256, etag, seen_size, seen_etag, error_message,
  created_timestamp`;

/**
 * Reads the entries of all files of a data source in the registry of data files, in the order in which they were added.
 */
export const linesOf = (on: Queryable, { id }: Pick<Source, 'id'>) =>
  select<SourceFile>(
    on,
    sql`select ${columns} from operations_datafile_registry where source = ${id} order by id`,
  );

/** Returns the newest entry of each file in the registry of data files, by file name. */
export const newestOf = (lines: SourceFile[]): Map<string, SourceFile> =>
  new Map(
    lines
      .toSorted((one, other) => one.fetch_number - other.fetch_number)
      .map((line) => [line.file_name, line]),
  );

/**
 * The SQL condition that the registry of data files has no newer entry of the same file than the entry `file` (an alias
 * of the table).
 */
export const isNewest = sql`file.fetch_number = (
  select max(other.fetch_number) from operations_datafile_registry other
   where other.source = file.source and other.file_name = file.file_name)`;

/**
 * A file that was fetched and stored, but has no entry in the registry of data files yet. `fetch`: the number that
 * distinguishes the stored contents of one file.
 */
export type Fetched = {
  name: string;
  fetch: number;
  url: string | null;
  size: number;
  sha256: string;
  etag: string | null;
};

/**
 * Adds the entry of a stored file to the registry of data files. If several workers add the entry of the same stored
 * file, only one entry is added.
 */
export const addLine = (
  here: App,
  source: Source,
  { name, fetch, ...file }: Fetched,
  person: string,
) =>
  transaction(here.sql, async (on) => {
    const object = keyOf(source.id, { name, fetch });
    if (await hasLine(on, source, object)) return;
    const { id, dataset } = source;
    const line = { ...file, dataset, source: id, file_name: name, object, person };
    // If a person asked meanwhile to load the file again, an entry in the registry of data files has this fetch number
    // already. Then the entry of the stored file gets the next free number.
    for (let number = fetch; ; number += 1) {
      const added = await registry.add(on, { ...line, fetch_number: number });
      if (added.object === object) return;
    }
  });

const hasLine = async (on: PoolConnection, { id }: Source, object: string): Promise<boolean> =>
  (await first(
    on,
    sql`select id from operations_datafile_registry where source = ${id} and object = ${object} limit 1`,
  )) !== undefined;

/**
 * Records the size and ETag that the data source gives for a stored file now. The ETag is recorded only if the ETag of
 * the fetched file is known, because otherwise the two could not be compared.
 */
export const noteSeen = (
  on: Queryable,
  { id, etag }: Pick<SourceFile, 'id' | 'etag'>,
  seen: { size: number | null; etag: string | null },
) =>
  run(
    on,
    sql`update operations_datafile_registry
           set seen_size = ${seen.size}, seen_etag = ${etag && seen.etag}
         where id = ${id}`,
  );

/**
 * Records that a stored file was lost and fetched again, and that the data source now delivered other content than
 * before. The next check of stored files and the next load of the file report this.
 */
export const noteReplaced = (on: Queryable, { id }: Pick<SourceFile, 'id'>, size: number) =>
  run(
    on,
    sql`update operations_datafile_registry
           set check_result = 'changed', checked_at = utc_timestamp(3), seen_size = ${size}
         where id = ${id}`,
  );
