// The pages of datasets: the list of all datasets, the rows of one dataset, its settings and its versions.
import { pipeline as stream } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { Request, Response } from 'express';
import { entityNamed } from '../catalog/index.ts';
import { Invalid, NotFound, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, can, numberOrNull, textIn } from '../web/request.ts';
import { listed } from './columns.ts';
import * as datasets from './datasets.ts';
import { fullName, type Dataset } from './datasets.ts';
import { csvOf } from './export.ts';
import { overview } from './overview.ts';
import * as searching from './search.ts';
import { uploadLook } from './looks.ts';
import * as uploads from './uploads.ts';
import * as versions from './versions.ts';
import type { Version } from './versions.ts';
import { versionsView } from './versions-view.ts';
import { clip, shownColumns } from './wide.ts';

const ROWS_SHOWN = 50;
const SETTINGS = ['mode', 'openToClients', 'keepVersions', 'feeds', 'feedsColumn'] as const;

const modeOptions = [
  { value: 'replace', text: 'replaces the rows before' },
  { value: 'append', text: 'adds its rows to those before' },
];
const feedOptions = [
  { value: '', text: 'Nothing' },
  ...datasets.feedable.map((name) => ({ value: name, text: entityNamed(name).label.many })),
];

export const home = { text: 'Datasets', href: '/datasets' };
export const crumbOf = (dataset: Dataset) => ({
  text: fullName(dataset),
  href: `/datasets/${dataset.id}`,
});

export async function index(req: Request, res: Response) {
  await page(req, res, 'datasets/list', {
    title: 'Datasets',
    crumbs: [{ text: 'Datasets' }],
    datasets: await overview(req.here.sql),
    mayManage: can(req, 'manage-data'),
  });
}

/** Returns the dataset whose id is in the URL. */
export const addressedDataset = (req: Request): Promise<Dataset> =>
  datasets.known(req.here.sql, numberOrNull(req.params['id']) ?? 0);

export const showNew = (req: Request, res: Response) => settingsPage(req, res, null, {});

export async function showSettings(req: Request, res: Response) {
  await settingsPage(req, res, await addressedDataset(req), {});
}

async function settingsPage(
  req: Request,
  res: Response,
  dataset: Dataset | null,
  errors: FieldErrors,
) {
  const { form } = req;
  const posted = form.entries.length > 0;
  const stored = dataset
    ? {
        mode: dataset.mode,
        openToClients: dataset.open_to_clients === 1 ? 'yes' : '',
        keepVersions: String(dataset.keep_versions),
        feeds: dataset.feeds ?? '',
        feedsColumn: dataset.feeds_column ?? '',
      }
    : { mode: 'replace', openToClients: '', keepVersions: '5', feeds: '', feedsColumn: '' };
  const typed = posted
    ? Object.fromEntries(SETTINGS.map((name) => [name, form.text(name)]))
    : stored;
  await page(req, res, 'datasets/settings', {
    title: dataset ? `Settings of ${fullName(dataset)}` : 'Add dataset',
    crumbs: dataset
      ? [home, crumbOf(dataset), { text: 'Settings' }]
      : [home, { text: 'Add dataset' }],
    dataset,
    name: dataset ? fullName(dataset) : '',
    typed: { ...typed, organisation: form.text('organisation'), name: form.text('name') },
    modes: modeOptions,
    feeds: feedOptions,
    errors,
  });
}

export async function add(req: Request, res: Response) {
  const addPosted = async () => {
    const posted = req.form.pick('organisation', 'name', ...SETTINGS);
    const id = await datasets.add(req.here, accountOf(req).email, posted);
    flash(req, 'Added. Upload its first file, or name it in a source.');
    res.redirect(303, `/datasets/${id}`);
  };
  await orShowErrors(res, addPosted, (errors) => settingsPage(req, res, null, errors));
}

export async function save(req: Request, res: Response) {
  const dataset = await addressedDataset(req);
  const seen = numberOrNull(req.form.raw('version')) ?? 0;
  const savePosted = async () => {
    const posted = req.form.pick(...SETTINGS);
    await datasets.change(req.here, accountOf(req).email, { dataset, seen }, posted);
    flash(req, 'Saved.');
    res.redirect(303, `/datasets/${dataset.id}`);
  };
  await orShowErrors(res, savePosted, (errors) => settingsPage(req, res, dataset, errors));
}

export async function show(req: Request, res: Response) {
  const { here } = req;
  const dataset = await addressedDataset(req);
  const version = await addressedVersion(req, dataset);
  await page(req, res, 'datasets/dataset', {
    title: fullName(dataset),
    crumbs: [home, { text: fullName(dataset) }],
    dataset,
    name: fullName(dataset),
    version: version ?? null,
    isCurrent: version?.number === dataset.current_version,
    table: version && version.purged_at === null ? await tableOf(req, dataset, version) : null,
    uploads: (await uploads.ofDataset(here.sql, dataset.id, 5)).map((one) => ({
      ...one,
      look: uploadLook(one.state),
    })),
    api: apiAddress(req, dataset),
    mayManage: can(req, 'manage-data'),
  });
}

async function addressedVersion(req: Request, dataset: Dataset): Promise<Version | undefined> {
  const number = numberOrNull(req.query['version']);
  if (number === null) return versions.current(req.here.sql, dataset);
  const found = await versions.find(req.here.sql, dataset.id, number);
  if (!found) throw new NotFound(`${fullName(dataset)} has no version ${number}.`);
  return found;
}

/**
 * Returns the URL from which API clients read the dataset, or null if the dataset is not open to
 * clients.
 */
const apiAddress = ({ here }: Request, dataset: Dataset): string | null =>
  dataset.open_to_clients === 1
    ? `${here.settings.urls[here.name] ?? ''}/api/v1/table-data/${fullName(dataset)}`
    : null;

async function tableOf(req: Request, dataset: Dataset, version: Version) {
  const text = textIn(req.query, 'q');
  const name = textIn(req.query, 'column');
  const index = version.columns.findIndex((column) => column.name === name);
  const search = text === '' ? null : { text, column: index === -1 ? null : index };
  const from = Math.max(1, numberOrNull(req.query['from']) ?? 1);
  const found = await searching.find(req.here.sql, version, { search, from, limit: ROWS_SHOWN });
  const address = (start: number) => {
    const pairs = {
      q: text,
      column: name,
      from: String(start),
      version: textIn(req.query, 'version'),
    };
    const filled = Object.entries(pairs).filter(([, value]) => value !== '');
    return `/datasets/${dataset.id}?${new URLSearchParams(filled).toString()}`;
  };
  const shown = shownColumns(version.columns.length, (at) => at === index);
  return {
    ...found,
    rows: found.rows.map(({ id, cells }) => ({
      id,
      cells: shown.map((at) => shownCell(cells[at])),
    })),
    columns: shown.flatMap((at) => version.columns[at] ?? []),
    moreColumns: version.columns.length - shown.length,
    from,
    text,
    column: index === -1 ? '' : name,
    isSearch: search !== null,
    nextHref: found.next === null ? null : address(found.next),
    previousHref: search === null && from > 1 ? address(Math.max(1, from - ROWS_SHOWN)) : null,
    columnOptions: [
      { value: '', text: 'All columns' },
      ...version.columns.map((column) => ({ value: column.name, text: column.name })),
    ],
  };
}

const shownCell = (cell: string | number | boolean | null | undefined) =>
  typeof cell === 'string' ? clip(cell) : (cell ?? null);

/** Sends a version of a dataset as CSV. */
export async function download(req: Request, res: Response) {
  const dataset = await addressedDataset(req);
  const version = await addressedVersion(req, dataset);
  if (!version || version.purged_at !== null) throw new NotFound('This version has no rows.');
  const isExact = textIn(req.query, 'exact') === 'yes';
  sendCsvHead(res, `${dataset.organisation}_${dataset.name}_version_${version.number}`);
  await stream(Readable.from(csvOf(req.here.sql, version, { isExact })), res);
}

/** Sets the response headers that make the browser save the response as a CSV file. */
export function sendCsvHead(res: Response, name: string) {
  res.type('text/csv; charset=utf-8');
  res.set('Content-Disposition', `attachment; filename="${name}.csv"`);
}

export async function showVersions(req: Request, res: Response) {
  const dataset = await addressedDataset(req);
  await versionsPage(req, res, dataset, {});
}

async function versionsPage(req: Request, res: Response, dataset: Dataset, errors: FieldErrors) {
  const all = await versions.list(req.here.sql, dataset.id);
  await page(req, res, 'datasets/versions', {
    title: `Versions of ${fullName(dataset)}`,
    crumbs: [home, crumbOf(dataset), { text: 'Versions' }],
    dataset,
    name: fullName(dataset),
    versions: versionsView(dataset, all).map((one) => ({ ...one, changes: listed(one.changes) })),
    typed: { reason: req.form.text('reason'), number: req.form.text('number') },
    errors,
    mayManage: can(req, 'manage-data'),
  });
}

export async function restore(req: Request, res: Response) {
  const dataset = await addressedDataset(req);
  const number = numberOrNull(req.form.text('number')) ?? 0;
  const seen = numberOrNull(req.form.raw('seen')) ?? 0;
  const restorePosted = async () => {
    const reason = req.form.textUpTo(500, 'reason', 'The reason');
    if (reason === '') throw new Invalid({ reason: 'Enter why it is restored' });
    const { job } = await versions.restore(req.here, accountOf(req).email, {
      dataset: dataset.id,
      number,
      seen,
      reason,
    });
    if (job) await req.line.push(job);
    flash(req, `Version ${number} is current again.`);
    res.redirect(303, `/datasets/${dataset.id}`);
  };
  await orShowErrors(res, restorePosted, (errors) => versionsPage(req, res, dataset, errors));
}
