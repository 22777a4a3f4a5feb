// What clients of the signed API read: the datasets that they may read, their columns, and their rows page by page.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { fullName, type Dataset } from '../datasets/datasets.ts';
import * as rows from '../datasets/rows.ts';
import * as versions from '../datasets/versions.ts';
import type { Version } from '../datasets/versions.ts';
import { unwillingness } from '../database/unwillingness.ts';
import { answer, clientOf } from './answer.ts';
import { ownOrigin } from './address.ts';
import { find, gone, readable, versionOf } from './datasets.ts';
import { orientations, pageText, type Orientation } from './page-text.ts';
import { rowsThatFit } from './page-size.ts';
import { queried } from './query.ts';

const number = (most: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,15}$/, 'must be a whole number from 1')
    .transform(Number)
    .refine((value) => value <= most, 'is too large');
/** The highest number of a version that the database can store. */
const version = number(4_294_967_295).optional();

const structureQuery = z.strictObject({ version });
const rowsQuery = z.strictObject({
  orientation: z.enum(orientations, `must be ${orientations.join(' or ')}`).default('tabular'),
  'next-id': number(Number.MAX_SAFE_INTEGER).optional(),
  version,
});

/** Lists the datasets that the client may read. */
export async function list(req: Request, res: Response) {
  queried(z.strictObject({}), req.query);
  const found = await readable(req.here.sql, clientOf(req).holder);
  const datasets = found.map((one) => ({
    name: fullName(one),
    version: one.version,
    rows: one.rows,
    updated: one.updated,
    structure: new URL(`/api/v1/table-structure/${fullName(one)}`, ownOrigin(req)).href,
    data: new URL(`/api/v1/table-data/${fullName(one)}`, ownOrigin(req)).href,
  }));
  await answer(req, res, JSON.stringify({ datasets }));
}

/** Shows the columns of a dataset. */
export async function structure(req: Request, res: Response) {
  const { version: wanted = null } = queried(structureQuery, req.query);
  const { number, columns, row_count } = await versionOf(
    req.here.sql,
    await datasetOf(req),
    wanted,
  );
  const shown = columns.map(({ name, type }) => ({ name, type: type.toUpperCase() }));
  await answer(req, res, JSON.stringify({ columns: shown, version: number, rows: row_count }));
}

/** Sends a page of rows. The address of the next page names the version, so no client sees two versions mixed. */
export async function page(req: Request, res: Response) {
  const query = queried(rowsQuery, req.query);
  const dataset = await datasetOf(req);
  const read = await versionOf(req.here.sql, dataset, query.version ?? null);
  const found = await rowsOf(req, dataset, read, query['next-id'] ?? 1);
  const last = found.at(-1)?.id ?? Infinity;
  const next =
    last < read.row_count
      ? nextAddress(req, { from: last + 1, version: read.number, orientation: query.orientation })
      : null;
  const headers = read.columns.map(({ name }) => name);
  await answer(req, res, pageText[query.orientation]({ headers, rows: found, next }));
}

const datasetOf = (req: Request): Promise<Dataset> => {
  const { organisation = '', name = '' } = req.params as Record<string, string>;
  return find(req.here.sql, clientOf(req).holder, { organisation, name });
};

/**
 * Reads rows of a version, which is not purged for an hour from now on.
 * @throws ApiRefusal 410 when it was purged meanwhile
 */
async function rowsOf(
  { here }: Request,
  dataset: Dataset,
  { number, row_count }: Version,
  from: number,
) {
  const { sql: on, settings } = here;
  const at = { dataset: dataset.id, version: number };
  await rows.noteRead(on, at).catch((error: unknown) => {
    // A read-only database must still be readable.
    if (unwillingness(error) !== 'read-only') throw error;
  });
  const limit = await rowsThatFit(on, { ...at, from }, settings.apiPageSize);
  const expected = Math.max(0, Math.min(limit, row_count - from + 1));
  const found = await rows.page(on, at, { from, limit });
  const isWhole =
    found.length === expected && (found.at(-1)?.id ?? from - 1) === from + expected - 1;
  if (isWhole) return found;
  const now = await versions.find(on, dataset.id, number);
  if (now?.purged_at === null) {
    throw new Error(`Rows of ${fullName(dataset)} ${number} are missing`);
  }
  throw gone(dataset, number);
}

function nextAddress(
  req: Request,
  { from, version, orientation }: { from: number; version: number; orientation: Orientation },
): string {
  const url = new URL(req.path, ownOrigin(req));
  url.search = new URLSearchParams({
    orientation,
    'next-id': String(from),
    version: String(version),
  }).toString();
  return url.href;
}
