// Reads the rows of a version of a dataset page by page, by the ids of the rows. Cells are returned as the JSON text
// that is stored.
import { Problem } from '../problems.ts';
import { run, select, sql, type Queryable } from '../database/sql.ts';

/**
 * A row of a version. `id`: the position of the row in the version, from 1; `cells`: its cells as a
 * JSON array.
 */
type DataRow = { id: number; cells: string };

type VersionAddress = { dataset: number; version: number };

/**
 * Thrown when the rows of a version have been deleted, possibly while a client was reading them.
 */
class VersionGone extends Problem {
  constructor() {
    super(410, 'The rows of this version were deleted. Start again with the current version.');
  }
}

/** One page of rows holds at most this many bytes, or one row if that row alone is larger. */
const ROOM = 8_000_000;

/**
 * The rows of a version that come from one data file: the rows `from` to `to` of the file.
 * `firstId`: the id that the first row of the file has in the version.
 */
export type RowRange = { datafile: number; firstId: number; from: number; to: number };

/**
 * Finds which data files hold the rows of a version, for up to `limit` rows from the id `from` on.
 * The ids of a version begin with 1 and have no gaps.
 */
export async function rangesOf(
  on: Queryable,
  { dataset, version }: VersionAddress,
  { from, limit }: { from: number; limit: number },
): Promise<RowRange[]> {
  const to = from + limit - 1;
  const files = await select<{ datafile: number; first_id: number; row_count: number }>(
    on,
    sql`select datafile, first_id, row_count from data_version_file
         where dataset = ${dataset} and version = ${version}
           and first_id <= ${to} and first_id + row_count > ${from}
         order by position`,
  );
  return files.map(({ datafile, first_id: firstId, row_count: count }) => ({
    datafile,
    firstId,
    from: Math.max(1, from - firstId + 1),
    to: Math.min(count, to - firstId + 1),
  }));
}

/** Returns the number of rows in a range. */
export const lengthOf = ({ from, to }: Pick<RowRange, 'from' | 'to'>) => to - from + 1;

/**
 * Reads up to `limit` rows of a version, from the id `from` on. Reads fewer rows if they are large,
 * but at least one.
 * @throws VersionGone if a row of the version is missing
 */
export async function page(
  on: Queryable,
  at: VersionAddress,
  { from, limit }: { from: number; limit: number },
): Promise<DataRow[]> {
  const found: DataRow[] = [];
  let room = ROOM;
  for (const range of await rangesOf(on, at, { from, limit })) {
    const fitting = await fittingRows(on, range, { room, isFirst: found.length === 0 });
    if (fitting.count > 0) found.push(...(await rowsOf(on, range, fitting.count)));
    if (fitting.count < lengthOf(range)) break;
    room -= fitting.bytes;
  }
  return found;
}

/** Yields all rows of a version in pages of up to `limit` rows. */
export async function* pages(
  on: Queryable,
  {
    dataset,
    number: version,
    row_count: all,
  }: { dataset: number; number: number; row_count: number },
  limit: number,
): AsyncGenerator<DataRow[]> {
  let from = 1;
  while (from <= all) {
    const rows = await page(on, { dataset, version }, { from, limit });
    from += rows.length;
    yield rows;
  }
}

/** Counts how many rows of a range fit into `room` bytes. The first row of a page of rows always fits. */
async function fittingRows(
  on: Queryable,
  range: RowRange,
  { room, isFirst }: { room: number; isFirst: boolean },
) {
  const { datafile, from } = range;
  const wanted = lengthOf(range);
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

/** Reads the first `wanted` rows of a range. */
async function rowsOf(on: Queryable, { datafile, firstId, from }: RowRange, wanted: number) {
  const rows = await select<DataRow>(
    on,
    sql`select id + ${firstId - 1} as id, cells from data_row
         where datafile = ${datafile} and id >= ${from} order by data_row.id limit ${wanted}`,
  );
  if (rows.length < wanted) throw new VersionGone();
  return rows;
}

/**
 * Records that a client is reading a version, at most about once a minute. The rows of a version that was read within
 * the last hour are not deleted.
 */
export const noteRead = (on: Queryable, { dataset, version }: VersionAddress) =>
  run(
    on,
    sql`update data_version set read_at = utc_timestamp(3)
         where dataset = ${dataset} and number = ${version}
           and coalesce(read_at, '2000-01-01') < utc_timestamp(3) - interval 1 minute`,
  );
