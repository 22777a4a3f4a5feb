// How many rows a page gets: fewer than usual when they are large, so that no request needs much memory.
import { first, sql, type Queryable } from '../database/sql.ts';

/** How many bytes the rows of a page have at most, unless one row alone has more. */
const ROOM = 8_000_000;

type From = { dataset: number; version: number; from: number };

/** Returns how many rows fit, at most `limit` and at least one. */
export async function rowsThatFit(on: Queryable, at: From, limit: number): Promise<number> {
  let rows = limit;
  while (rows > 1 && (await bytesOf(on, at, rows)) > ROOM) rows = Math.ceil(rows / 4);
  return rows;
}

async function bytesOf(on: Queryable, { dataset, version, from }: From, rows: number) {
  const last = from + rows - 1;
  const found = await first<{ bytes: string | null }>(
    on,
    sql`select sum(octet_length(data_row.cells)) as bytes
          from data_version_file file
          join data_row
            on data_row.datafile = file.datafile
           and data_row.id >= if(file.first_id < ${from}, ${from} - file.first_id + 1, 1)
           and data_row.id <= if(file.first_id <= ${last}, ${last} - file.first_id + 1, 0)
         where file.dataset = ${dataset} and file.version = ${version}
           and file.first_id <= ${last} and file.first_id + file.row_count > ${from}`,
  );
  return Number(found?.bytes ?? 0);
}
