// The pages of an upload: a person chooses a file, and follows the upload until the rows of the file are in the current
// version.
import type { Request, Response } from 'express';
import { isLive } from '../jobs/jobs.ts';
import { jobView } from '../jobs/view.ts';
import { Problem } from '../problems.ts';
import { bytes } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import { addressedDataset, crumbOf, home } from './dataset-pages.ts';
import * as datasets from './datasets.ts';
import { uploadLook } from './looks.ts';
import { waitShortly } from './progress.ts';
import { receive, tooLarge } from './receive.ts';
import * as registry from './registry.ts';
import * as uploads from './uploads.ts';
import * as versions from './versions.ts';

export async function showNew(req: Request, res: Response) {
  const dataset = await addressedDataset(req);
  const { limitBytes } = req.here.settings.datafiles;
  await page(req, res, 'datasets/upload-file', {
    title: `Upload a file for ${datasets.fullName(dataset)}`,
    crumbs: [home, crumbOf(dataset), { text: 'Upload' }],
    dataset,
    name: datasets.fullName(dataset),
    limitBytes,
    limitText: bytes(limitBytes),
  });
}

/** Streams the file that the browser sends into storage, while it arrives. */
export async function upload(req: Request, res: Response) {
  const dataset = await addressedDataset(req);
  if (!req.upload) throw new Problem(422, 'Choose a file. Go back and choose one.');
  const expected = numberOrNull(req.get('Content-Length'));
  const { limitBytes } = req.here.settings.datafiles;
  // FORM_BYTES is added, because the announced length covers the whole form and not only the file.
  if (expected !== null && expected > limitBytes + FORM_BYTES) throw tooLarge(limitBytes);
  const { id, job } = await receive(
    req.here,
    { dataset, person: accountOf(req).email },
    { fileName: fileNameOf(req.upload.name), content: wholeFile(req.upload), expected },
  );
  await req.line.push(job);
  res.redirect(303, `/uploads/${id}`);
}

/**
 * Yields the content of the uploaded file, and ends only when the whole form has arrived. A form
 * with a second file then fails this upload, so that no file is lost unnoticed.
 */
async function* wholeFile({ content, end }: NonNullable<Request['upload']>) {
  yield* content as AsyncIterable<Buffer>;
  await end;
}

const FORM_BYTES = 64 * 1024;

/** Removes the folder from a file name, because some browsers send the full path. */
const fileNameOf = (sent: string) => sent.split(/[/\\]/).at(-1) ?? '';

export async function show(req: Request, res: Response) {
  const { here } = req;
  const known = await uploads.known(here.sql, String(req.params['id']));
  const datafile = known.datafile === null ? null : await registry.known(here.sql, known.datafile);
  const job = await waitShortly(here.sql, datafile?.job ?? null);
  const one = await uploads.known(here.sql, known.id);
  if (one.state === 'uploaded' && datafile) {
    return res.redirect(303, `/datafiles/${datafile.id}/check`);
  }
  const dataset = await datasets.known(here.sql, one.dataset);
  const loaded = datafile && (await registry.known(here.sql, datafile.id));
  await page(req, res, 'datasets/upload', {
    title: `Upload of ${one.file_name}`,
    crumbs: [home, crumbOf(dataset), { text: one.file_name }],
    upload: one,
    look: uploadLook(one.state),
    dataset,
    name: datasets.fullName(dataset),
    datafile: loaded,
    counts: loaded && registry.countsOf(loaded),
    version: loaded && (await versions.madeBy(here.sql, loaded.id)),
    job: job && isLive(job) ? jobView(job) : null,
    isMoving: !['uploaded', 'completed', 'failed'].includes(one.state),
  });
}
