// The routes from which clients of the signed API read: the list of datasets, the columns of a dataset, and its rows
// page by page.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { fullName } from '../datasets/datasets.ts';
import * as rows from '../datasets/rows.ts';
import * as versions from '../datasets/versions.ts';
import { unwillingness } from '../database/unwillingness.ts';
import type { App } from '../environments/app.ts';
import { answer, clientOf } from './answer.ts';
import { ownOrigin } from './address.ts';
import { gone, readable, versionFor, type ReadVersion } from './datasets.ts';
import { pageRows } from './page-rows.ts';
import { orientations, pageText, type Orientation } from './page-text.ts';
import { queried } from './query.ts';

const number = (most: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,15}$/, 'must be a whole number from 1')
    .transform(Number)
    .refine((value) => value <= most, 'is too large');
/** The number of a dataset version in a query. The limit is the highest number that the database column can store. */
const version = number(4_294_967_295).optional();

const structureQuery = z.strictObject({ version });
const rowsQuery = z.strictObject({
  orientation: z.enum(orientations, `must be ${orientations.join(' or ')}`).default('tabular'),
  'next-id': number(Number.MAX_SAFE_INTEGER).optional(),
  version,
});

/** Sends the list of datasets that the client may read. */
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

/** Sends the columns of a dataset. */
export async function structure(req: Request, res: Response) {
  const { version: wanted = null } = queried(structureQuery, req.query);
  const { number: version, columns, row_count: count } = await versionOf(req, wanted);
  const shown = columns.map(({ name, type }) => ({ name, type: type.toUpperCase() }));
  await answer(req, res, JSON.stringify({ columns: shown, version, rows: count }));
}

/**
 * Sends a page of rows. The URL of the next page names the version, so that a client never sees
 * rows of two versions.
 */
export async function page(req: Request, res: Response) {
  const { orientation, version: wanted = null, ...query } = queried(rowsQuery, req.query);
  const version = await versionOf(req, wanted);
  const from = query['next-id'] ?? 1;
  const { chunks, count } = await rowsOf(req, version, { from, orientation });
  const behind = from + count;
  const isLast = behind > version.row_count;
  const next = isLast
    ? null
    : nextAddress(req, { from: behind, version: version.number, orientation });
  const headers = version.columns.map(({ name }) => name);
  await answer(req, res, pageText[orientation]({ headers, chunks, next }));
}

const versionOf = (req: Request, version: number | null): Promise<ReadVersion> => {
  const { organisation = '', name = '' } = req.params as Record<string, string>;
  return versionFor(req.here.sql, clientOf(req).holder, { organisation, name, version });
};

/**
 * Reads rows of a dataset version and records the time of reading, so that the rows are not deleted within the next
 * hour.
 * @throws ApiRefusal 410 if the rows of the version were deleted meanwhile
 */
async function rowsOf(
  { here }: Request,
  version: ReadVersion,
  { from, orientation }: { from: number; orientation: Orientation },
) {
  const { sql: on, settings } = here;
  const at = { dataset: version.dataset, version: version.number };
  const [found] = await Promise.all([
    pageRows(
      on,
      { ...at, from },
      {
        limit: settings.apiPageSize,
        isJoined: orientation === 'tabular',
      },
    ),
    noteRead(here, at),
  ]);
  if (found !== null) return found;
  const now = await versions.find(on, version.dataset, version.number);
  if (now?.purged_at === null) {
    throw new Error(`Rows of ${fullName(version)} ${version.number} are missing`);
  }
  throw gone(version);
}

const notedAt = new Map<string, number>();
const MINUTE_MS = 60_000;

/**
 * Records that a dataset version is being read, at most about once a minute, so that its rows are not deleted
 * meanwhile.
 */
async function noteRead({ name, sql: on }: App, at: { dataset: number; version: number }) {
  const key = `${name} ${at.dataset}/${at.version}`;
  if (Date.now() - (notedAt.get(key) ?? 0) < MINUTE_MS) return;
  await rows.noteRead(on, at).catch((error: unknown) => {
    // A read-only database cannot record the read. This error is ignored, because clients must still be able to read
    // rows.
    if (unwillingness(error) !== 'read-only') throw error;
  });
  if (notedAt.size > 10_000) notedAt.clear();
  notedAt.set(key, Date.now());
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
