// Reads the rows for one page of a dataset, which is one response of the signed API. A page of large rows has fewer
// rows, so that no request needs much memory.
import { first, join, select, sql, type Queryable } from '../database/sql.ts';
import { lengthOf, rangesOf, type RowRange } from '../datasets/rows.ts';

/** The rows on one page of a dataset have at most this many bytes, except for a single row that is larger. */
const ROOM = 8_000_000;

type From = { dataset: number; version: number; from: number };

/** The rows on one page of a dataset, as JSON arrays. A chunk is one row, or several rows that are joined with `,`. */
type PageRows = { chunks: Buffer[]; count: number };

/**
 * Reads up to `limit` rows of a dataset version, from the row id `from` on; returns null if a row is missing. First
 * reads which data files hold the rows: in a single join, MySQL would read every row of a file.
 */
export async function pageRows(
  on: Queryable,
  at: From,
  { limit, isJoined }: { limit: number; isJoined: boolean },
): Promise<PageRows | null> {
  for (let rows = limit; ; rows = Math.ceil(rows / 4)) {
    const parts = await rangesOf(on, at, { from: at.from, limit: rows });
    const count = countOf(parts);
    const found = isJoined ? await joined(on, parts) : await single(on, parts);
    if (found === 'too large' && rows > 1) continue;
    if (found === 'too large' || found === null) return null;
    return { chunks: found, count };
  }
}

const countOf = (parts: RowRange[]) => parts.reduce((sum, part) => sum + lengthOf(part), 0);

type Chunk = { rows: number; bytes: string | null; cells: Buffer | null };
type Found = Buffer[] | 'too large' | null;

/**
 * Lets MySQL join the rows of each data file into one value, because the MySQL driver is much slower with a thousand
 * separate rows.
 */
async function joined(on: Queryable, parts: RowRange[]): Promise<Found> {
  const chunks: Buffer[] = [];
  let room = ROOM;
  for (const { datafile, from, to } of parts) {
    const chunk = await first<Chunk>(
      on,
      sql`select count(*) as \`rows\`, sum(octet_length(cells)) as bytes,
                 group_concat(cast(cells as binary) order by id separator ',\n') as cells
            from data_row where datafile = ${datafile} and id between ${from} and ${to}`,
    );
    const [rows, bytes] = [chunk?.rows ?? 0, Number(chunk?.bytes ?? 0)];
    if (rows !== to - from + 1) return null;
    room -= bytes;
    const isAlone = parts.length === 1 && rows === 1;
    if (room < 0 && !isAlone) return 'too large';
    // A wrong length means that MySQL truncated the joined value, which causes only a warning.
    if (chunk?.cells?.length !== bytes + 2 * (rows - 1)) return 'too large';
    chunks.push(chunk.cells);
  }
  return chunks;
}

async function single(on: Queryable, parts: RowRange[]): Promise<Found> {
  const count = countOf(parts);
  if (count > 1 && (await bytesOf(on, parts)) > ROOM) return 'too large';
  const chunks: Buffer[] = [];
  for (const { datafile, from, to } of parts) {
    const rows = await select<{ cells: Buffer }>(
      on,
      sql`select cast(cells as binary) as cells from data_row
           where datafile = ${datafile} and id between ${from} and ${to} order by id`,
    );
    chunks.push(...rows.map(({ cells }) => cells));
  }
  return chunks.length === count ? chunks : null;
}

async function bytesOf(on: Queryable, parts: RowRange[]): Promise<number> {
  const ranges = parts.map(
    ({ datafile, from, to }) => sql`(datafile = ${datafile} and id between ${from} and ${to})`,
  );
  const found = await first<{ bytes: string | null }>(
    on,
    sql`select sum(octet_length(cells)) as bytes from data_row where ${join(ranges, ' or ')}`,
  );
  return Number(found?.bytes ?? 0);
}
