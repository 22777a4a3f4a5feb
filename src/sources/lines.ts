// The lines of a source in the registry of data files, and what the source last listed of them.
import type { PoolConnection } from 'mysql2/promise';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import * as registry from '../datasets/registry.ts';
import type { Datafile } from '../datasets/registry.ts';
import type { App } from '../environments/app.ts';
import { keyOf } from './names.ts';
import type { Source } from './sources.ts';

/** A file of a source as the registry has it; `fetch_number` counts how often it was fetched or read again. */
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

/** All lines of a source with every fetch, in the order in which they were fetched. */
export const linesOf = (on: Queryable, { id }: Pick<Source, 'id'>) =>
  select<SourceFile>(
    on,
    sql`select ${columns} from operations_datafile_registry where source = ${id} order by id`,
  );

/** The newest line of each file, by name. */
export const newestOf = (lines: SourceFile[]): Map<string, SourceFile> =>
  new Map(
    lines
      .toSorted((one, other) => one.fetch_number - other.fetch_number)
      .map((line) => [line.file_name, line]),
  );

/** The condition that a line, called `file`, is the newest of its name. */
export const isNewest = sql`file.fetch_number = (
  select max(other.fetch_number) from operations_datafile_registry other
   where other.source = file.source and other.file_name = file.file_name)`;

/** A stored file without a line yet. `fetch`: the number of the fetch that stored it. */
export type Fetched = {
  name: string;
  fetch: number;
  url: string | null;
  size: number;
  sha256: string;
  etag: string | null;
};

/** Writes the line of a stored file; an object has one line, however many workers write it. */
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
    // A person may have had the file read again under this number meanwhile; then it gets the next one.
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

/** Records what the source lists of a file now; an ETag only where there is one to compare it with. */
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
 * Records that the stored file of a line was lost and another content came from the source in its place. The next
 * check of the stored file reports that, and so does a load.
 */
export const noteReplaced = (on: Queryable, { id }: Pick<SourceFile, 'id'>, size: number) =>
  run(
    on,
    sql`update operations_datafile_registry
           set check_result = 'changed', checked_at = utc_timestamp(3), seen_size = ${size}
         where id = ${id}`,
  );
