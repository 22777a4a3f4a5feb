// A list of records such as audit entries or jobs, newest first: its page with filters and a link to older records, and
// its export.
import type { Request, Response } from 'express';
import { inParts, LINES, type PartOf } from '../database/newest-first.ts';
import { exportFormatIn, sendExport, type ExportColumn } from './export.ts';
import { askedIn, filterBar, queryOf, type Asked, type ListFilter } from './filter-bar.ts';
import { olderHref } from './paginate.ts';
import { numberOrNull } from './request.ts';

export type ChronologicalList<T> = {
  path: string;
  filters: ListFilter[];
  find: (asked: Asked, part: PartOf) => Promise<T[]>;
  /** Returns the number of a record, such as its id, by which the list is ordered. */
  idOf: (line: T) => number;
};

/** Reads the page of a list that the URL asks for. */
export async function pageOf<T>(req: Request, { path, filters, find, idOf }: ChronologicalList<T>) {
  const asked = askedIn(req.query, filters);
  const before = numberOrNull(req.query['before']);
  const lines = await find(asked, { before, limit: LINES });
  const last = lines.at(-1);
  const query = queryOf(filters, asked);
  return {
    lines,
    bar: filterBar(req, path, filters, asked),
    olderHref: olderHref(path, query, lines.length, last && idOf(last)),
  };
}

/** Sends all records that match the filters of the URL as a file, CSV or JSON. */
export async function exportLines<T>(
  req: Request,
  res: Response,
  { path, filters, find, idOf }: ChronologicalList<T>,
  columns: ExportColumn<T>[],
) {
  const format = exportFormatIn(req.query);
  const asked = askedIn(req.query, filters);
  const name = `${path.slice(1)}_${req.here.name}`;
  await sendExport(
    res,
    { name, format, columns },
    inParts((part) => find(asked, part), idOf),
  );
}
