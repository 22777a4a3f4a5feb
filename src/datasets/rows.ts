// The rows of a version, page by page. A row is read by its key; its cells are JSON as they were stored.
import { Problem } from '../problems.ts';
import { run, select, sql, type Queryable } from '../database/sql.ts';

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

/** Rows of a version that are in one data file, by their ids there. `firstId`: the id of its first row in the version. */
export type RowRange = { datafile: number; firstId: number; from: number; to: number };

/**
 * Finds which of up to `limit` rows, from the row with the id `from` on, are in which data file. Ids begin with 1 and
 * have no gaps.
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

/** How many rows a range has. */
export const lengthOf = ({ from, to }: Pick<RowRange, 'from' | 'to'>) => to - from + 1;

/**
 * Reads up to `limit` rows of a version, from the row with the id `from` on; fewer when they are large, but at least
 * one.
 * @throws VersionGone when a row that must be there is not
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

/** How many of the wanted rows fit, and their bytes; one row that comes first always fits. */
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

/** Reads the first rows of a range. */
async function rowsOf(on: Queryable, { datafile, firstId, from }: RowRange, wanted: number) {
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
