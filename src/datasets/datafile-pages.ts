// The pages of data files: the list of all files, and the page of one file with its parsing rules, its rejected lines
// and the dataset versions that contain it.
import { pipeline as stream } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { isLive } from '../jobs/jobs.ts';
import { jobView } from '../jobs/view.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { olderHref } from '../web/paginate.ts';
import { accountOf, can, numberOrNull, textIn } from '../web/request.ts';
import { addressedFile } from './check-pages.ts';
import { countsText } from './check-view.ts';
import * as datasets from './datasets.ts';
import { checkLook, datafileLook } from './looks.ts';
import { waitShortly } from './progress.ts';
import * as registry from './registry.ts';
import type { Datafile } from './registry.ts';
import * as rejects from './rejects.ts';
import * as reloading from './reloading.ts';
import * as uploads from './uploads.ts';
import { datafileUse, listedFiles } from './datafile-use.ts';

const states = ['processing', 'processed', 'failed', 'ignored'] as const;
const crumbHome = { text: 'Data files', href: '/datafiles' };

export async function index(req: Request, res: Response) {
  const filter = {
    state: textIn(req.query, 'state'),
    dataset: numberOrNull(req.query['dataset']),
    source: numberOrNull(req.query['source']),
  };
  const list = await listedFiles(req.here.sql, {
    ...filter,
    before: numberOrNull(req.query['before']),
  });
  const kept = {
    state: filter.state,
    dataset: textIn(req.query, 'dataset'),
    source: textIn(req.query, 'source'),
  };
  await page(req, res, 'datasets/files', {
    title: 'Data files',
    crumbs: [{ text: 'Data files' }],
    list: list.map((file) => ({
      ...file,
      look: datafileLook(file.state),
      check: checkLook(file.check_result),
    })),
    filter: kept,
    isFiltered: Object.values(kept).some((value) => value !== ''),
    states: [
      { value: '', text: 'All states' },
      ...states.map((value) => ({ value, text: datafileLook(value).text })),
    ],
    datasets: [
      { value: '', text: 'All datasets' },
      ...(await datasets.list(req.here.sql)).map((one) => ({
        value: String(one.id),
        text: datasets.fullName(one),
      })),
    ],
    olderHref: olderHref('/datafiles', kept, list.length, list.at(-1)?.id),
  });
}

export async function show(req: Request, res: Response) {
  await filePage(req, res, await addressedFile(req), {});
}

async function filePage(req: Request, res: Response, known: Datafile, errors: FieldErrors) {
  const { here } = req;
  const job = await waitShortly(here.sql, known.state === 'processing' ? known.job : null);
  const file = await registry.known(here.sql, known.id);
  const dataset = await datasets.known(here.sql, file.dataset);
  const counts = registry.countsOf(file);
  await page(req, res, 'datasets/file', {
    title: file.file_name,
    crumbs: [crumbHome, { text: file.file_name }],
    file,
    dataset: { ...dataset, fullName: datasets.fullName(dataset) },
    looks: { state: datafileLook(file.state), stored: checkLook(file.check_result) },
    use: await datafileUse(here.sql, file),
    countsText: counts && countsText(counts),
    reading: registry.readingOf(file),
    rejects: await rejects.list(here.sql, file.id),
    upload: (await uploads.ofDatafile(here.sql, file.id)) ?? null,
    job: job && isLive(job) ? jobView(job) : null,
    differs: file.source !== null && registry.differsAtSource(file),
    mayManage: can(req, 'manage-data'),
    typed: { reason: req.form.text('reason') },
    errors,
  });
}

/** Sends the stored file byte for byte as it was uploaded or fetched. */
export async function download(req: Request, res: Response) {
  const file = await addressedFile(req);
  const content = await req.here.storage.read(file.object);
  res.attachment(file.file_name);
  res.type('application/octet-stream');
  res.set('Content-Length', String(file.size));
  await stream(content, res);
}

export async function loadAgain(req: Request, res: Response) {
  const by = accountOf(req).email;
  const { file, job } = await reloading.loadAgain(req.here, by, await addressedFile(req));
  await req.line.push(job);
  res.redirect(303, `/datafiles/${file.id}/check`);
}

export async function acceptColumns(req: Request, res: Response) {
  const file = await addressedFile(req);
  const job = await reloading.acceptColumns(req.here, accountOf(req).email, file);
  await req.line.push(job);
  res.redirect(303, `/datafiles/${file.id}`);
}

export async function ignore(req: Request, res: Response) {
  const file = await addressedFile(req);
  const ignorePosted = async () => {
    const reason = req.form.textUpTo(500, 'reason', 'The reason');
    if (reason === '') throw new Invalid({ reason: 'Enter why it is ignored' });
    await reloading.ignore(req.here, accountOf(req).email, file, reason);
    flash(req, `${file.file_name} is ignored.`);
    res.redirect(303, `/datafiles/${file.id}`);
  };
  await orShowErrors(res, ignorePosted, (errors) => filePage(req, res, file, errors));
}
