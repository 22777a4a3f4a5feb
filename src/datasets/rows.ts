// The rows of a version, page by page. A row is read by its key; its cells are JSON as they were stored.
import { Problem } from '../problems.ts';
import { run, select, sql, type Queryable } from '../database/sql.ts';
import { filesOf } from './versions.ts';

/** A row of a version: its id there, and its cells as a JSON array. */
type DataRow = { id: number; cells: string };

type VersionAddress = { dataset: number; version: number };

/** The error when the rows of a version have been deleted, perhaps while they were read. */
class VersionGone extends Problem {
  constructor() {
    super(410, 'The rows of this version were deleted. Start again with the current version.');
  }
}

/**
 * Reads up to `limit` rows of a version, from the row with the id `from` on; ids begin with 1 and have no gaps.
 * @throws VersionGone when a row that must be there is not
 */
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
    const wanted = Math.min(limit - found.length, behind - start);
    const rows = await select<DataRow>(
      on,
      sql`select id + ${file.first_id - 1} as id, cells from data_row
           where datafile = ${file.datafile} and id >= ${start - file.first_id + 1}
           order by data_row.id limit ${wanted}`,
    );
    if (rows.length < wanted) throw new VersionGone();
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
