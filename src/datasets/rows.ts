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

/** How many bytes of rows are read at once, unless one row alone has more. */
const ROOM = 8_000_000;

/**
 * Reads up to `limit` rows of a version, from the row with the id `from` on; fewer when they are large, but at least
 * one. Ids begin with 1 and have no gaps.
 * @throws VersionGone when a row that must be there is not
 */
export async function page(
  on: Queryable,
  { dataset, version }: VersionAddress,
  { from, limit }: { from: number; limit: number },
): Promise<DataRow[]> {
  const found: DataRow[] = [];
  let room = ROOM;
  for (const file of await filesOf(on, dataset, version)) {
    const behind = file.first_id + file.row_count;
    const start = Math.max(from, file.first_id);
    if (start >= behind) continue;
    const wanted = Math.min(limit - found.length, behind - start);
    const part = { datafile: file.datafile, from: start - file.first_id + 1, wanted };
    const fitting = await fittingRows(on, part, { room, isFirst: found.length === 0 });
    if (fitting.count > 0)
      found.push(...(await rowsOf(on, file, { ...part, wanted: fitting.count })));
    if (found.length >= limit || fitting.count < wanted) break;
    room -= fitting.bytes;
  }
  return found;
}

type Part = { datafile: number; from: number; wanted: number };

/** How many of the wanted rows fit, and their bytes; one row that comes first always fits. */
async function fittingRows(
  on: Queryable,
  { datafile, from, wanted }: Part,
  { room, isFirst }: { room: number; isFirst: boolean },
) {
  const sizes = await select<{ bytes: number }>(
    on,
    sql`select octet_length(cells) as bytes from data_row
         where datafile = ${datafile} and id >= ${from} order by id limit ${wanted}`,
  );
  if (sizes.length < wanted) throw new VersionGone();
  let [count, sum] = [0, 0];
  for (const { bytes } of sizes) {
    if (sum + bytes > room && !(isFirst && count === 0)) break;
    count += 1;
    sum += bytes;
  }
  return { count, bytes: sum };
}

async function rowsOf(on: Queryable, { first_id: firstId }: { first_id: number }, part: Part) {
  const { datafile, from, wanted } = part;
  const rows = await select<DataRow>(
    on,
    sql`select id + ${firstId - 1} as id, cells from data_row
         where datafile = ${datafile} and id >= ${from} order by data_row.id limit ${wanted}`,
  );
  if (rows.length < wanted) throw new VersionGone();
  return rows;
}

/** Records that a client reads a version, at most about once a minute: a version that is being read is not purged. */
export const noteRead = (on: Queryable, { dataset, version }: VersionAddress) =>
  run(
    on,
    sql`update data_version set read_at = utc_timestamp(3)
         where dataset = ${dataset} and number = ${version}
           and coalesce(read_at, '2000-01-01') < utc_timestamp(3) - interval 1 minute`,
  );
