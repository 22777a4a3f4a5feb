// The rows of a version, page by page. A row is read by its key; its cells are JSON as they were stored.
import { run, select, sql, type Queryable } from '../database/sql.ts';
import { filesOf } from './versions.ts';

/** A row of a version: its id there, and its cells as a JSON array. */
export type DataRow = { id: number; cells: string };

type VersionAddress = { dataset: number; version: number };

/** Reads up to `limit` rows of a version, from the row with the id `from` on; ids begin with 1 and have no gaps. */
export async function page(
  on: Queryable,
  { dataset, version }: VersionAddress,
  { from, limit }: { from: number; limit: number },
): Promise<DataRow[]> {
  const found: DataRow[] = [];
  for (const file of await filesOf(on, dataset, version)) {
    const behind = file.first_id + file.row_count;
    const start = Math.max(from, file.first_id);
    if (start >= behind || found.length >= limit) continue;
    const rows = await select<DataRow>(
      on,
      sql`select id + ${file.first_id - 1} as id, cells from data_row
           where datafile = ${file.datafile} and id >= ${start - file.first_id + 1}
           order by data_row.id limit ${Math.min(limit - found.length, behind - start)}`,
    );
    found.push(...rows);
  }
  return found;
}

/** Records that a client reads a version, at most about once a minute: a version that is being read is not purged. */
export const noteRead = (on: Queryable, { dataset, version }: VersionAddress) =>
  run(
    on,
    sql`update data_version set read_at = utc_timestamp(3)
         where dataset = ${dataset} and number = ${version}
           and coalesce(read_at, '2000-01-01') < utc_timestamp(3) - interval 1 minute`,
  );
