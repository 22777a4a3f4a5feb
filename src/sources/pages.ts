// The pages *Data / Sources*: lists the sources of data files, and shows each source with its settings, runs and files.
import type { Request, Response } from 'express';
import * as datasets from '../datasets/datasets.ts';
import { datafileLook } from '../datasets/looks.ts';
import * as jobs from '../jobs/jobs.ts';
import { jobView, lookOf } from '../jobs/view.ts';
import { NotFound, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import { isKind, kindNames, kinds, type KindName } from './index.ts';
import { differsAtSource } from '../datasets/registry.ts';
import { linesOf, newestOf } from './lines.ts';
import { overview, type LastRun } from './overview.ts';
import { onlyOneOf, requestRefetch, requestRun } from './run.ts';
import * as sources from './sources.ts';
import type { PostedSource, Source } from './sources.ts';

const crumbs = [{ text: 'Sources', href: '/sources' }];
const FIELDS = ['name', 'url', 'hosts', 'credential', 'dataset', 'cron', 'active'] as const;
/** How many files the page of a data source lists at most. */
const FILES_SHOWN = 200;

const runView = (run: LastRun | null) => run && { ...run, look: lookOf(run.state) };

export async function index(req: Request, res: Response) {
  const all = await overview(req.here.sql);
  await page(req, res, 'sources/list', {
    title: 'Sources',
    crumbs: [{ text: 'Sources' }],
    sources: all.map((one) => ({
      ...one,
      kindText: kinds[one.kind].label,
      last: runView(one.last),
    })),
    hasDatasets: (await datasets.list(req.here.sql)).length > 0,
  });
}

const addressed = (req: Request): Promise<Source> =>
  sources.known(req.here.sql, numberOrNull(req.params['id']) ?? 0);

export async function show(req: Request, res: Response) {
  const { sql: on } = req.here;
  const { id } = await addressed(req);
  const [source] = await overview(on, id);
  if (!source) throw new NotFound('There is no such source.');
  const lines = [...newestOf(await linesOf(on, source)).values()].toSorted(
    (one, other) => other.id - one.id,
  );
  const job = await jobs.active(on, onlyOneOf(id));
  await page(req, res, 'sources/source', {
    title: source.name,
    crumbs: [...crumbs, { text: source.name }],
    source: { ...source, kindText: kinds[source.kind].label, last: runView(source.last) },
    options: optionsView(source),
    job: job ? jobView(job) : null,
    files: lines.slice(0, FILES_SHOWN).map((line) => ({
      ...line,
      look: datafileLook(line.state),
      differs: differsAtSource(line),
    })),
    filesLeft: Math.max(0, lines.length - FILES_SHOWN),
  });
}

/**
 * Returns the options of a data source with their labels, for the page of the source. Empty options are left out.
 */
const optionsView = (source: Source) => {
  const options = sources.optionsOf(source);
  return kinds[source.kind].fields.flatMap(({ name, label }) =>
    options[name] ? [{ label, value: options[name] }] : [],
  );
};

export async function showNew(req: Request, res: Response) {
  const kind = textIn(req.query, 'kind');
  if (isKind(kind)) return formPage(req, res, { kind, known: null }, {});
  await page(req, res, 'sources/kinds', {
    title: 'Add source',
    crumbs,
    kinds: kindNames.map((name) => ({ name, ...kinds[name] })),
  });
}

export async function showEdit(req: Request, res: Response) {
  const known = await addressed(req);
  await formPage(req, res, { kind: known.kind, known }, {});
}

type Form = { kind: KindName; known: Source | null };

async function formPage(req: Request, res: Response, { kind, known }: Form, errors: FieldErrors) {
  const { here, form } = req;
  const isPosted = form.entries.length > 0;
  const all = await datasets.list(here.sql);
  const stored: Record<(typeof FIELDS)[number], string> = {
    name: known?.name ?? '',
    url: known?.url ?? '',
    hosts: known?.hosts ?? '',
    credential: known?.credential ?? '',
    dataset: String(known?.dataset ?? textIn(req.query, 'dataset')),
    cron: known?.cron ?? here.settings.sources.cron,
    active: known?.active === 0 ? '' : 'yes',
  };
  const posted = Object.fromEntries(FIELDS.map((name) => [name, form.raw(name) ?? '']));
  const options = known ? sources.optionsOf(known) : {};
  await page(req, res, 'sources/form', {
    title: known ? known.name : 'Add source',
    crumbs: known ? [...crumbs, { text: known.name, href: `/sources/${known.id}` }] : crumbs,
    known,
    kind: { name: kind, ...kinds[kind] },
    typed: isPosted ? posted : stored,
    fields: kinds[kind].fields.map((field) => ({
      ...field,
      value: isPosted
        ? (form.raw(`option_${field.name}`) ?? '')
        : known
          ? (options[field.name] ?? '')
          : field.initial,
    })),
    datasets: [
      { value: '', text: 'Choose one' },
      ...all.map((one) => ({ value: String(one.id), text: datasets.fullName(one) })),
    ],
    credentials: [
      { value: '', text: 'None' },
      ...Object.keys(here.settings.sources.credentials)
        .toSorted()
        .map((name) => ({ value: name, text: `SOURCE_CREDENTIAL_${name}` })),
    ],
    errors,
  });
}

function postedIn({ form }: Request, kind: KindName): PostedSource {
  const options = kinds[kind].fields.flatMap(({ name }) => {
    const text = form.raw(`option_${name}`);
    return text === undefined ? [] : [[name, text]];
  });
  return {
    ...form.pick(...FIELDS),
    kind,
    options: Object.fromEntries(options) as Record<string, string>,
  };
}

export async function add(req: Request, res: Response) {
  const kind = req.form.text('kind');
  if (!isKind(kind)) throw new NotFound('There is no such kind of source.');
  const addPosted = async () => {
    const id = await sources.add(req.here, accountOf(req).email, postedIn(req, kind));
    flash(req, 'Added. It runs by itself at its times; a data manager can run it now.');
    res.redirect(303, `/sources/${id}`);
  };
  await orShowErrors(res, addPosted, (errors) => formPage(req, res, { kind, known: null }, errors));
}

export async function save(req: Request, res: Response) {
  const known = await addressed(req);
  const { id, kind } = known;
  const seen = numberOrNull(req.form.raw('version')) ?? 0;
  const savePosted = async () => {
    await sources.change(req.here, accountOf(req).email, { id, seen }, postedIn(req, kind));
    flash(req, 'Saved.');
    res.redirect(303, `/sources/${id}`);
  };
  await orShowErrors(res, savePosted, (errors) => formPage(req, res, { kind, known }, errors));
}

export async function runNow(req: Request, res: Response) {
  const source = await addressed(req);
  const { job, isNew } = await requestRun(req.here.sql, source, accountOf(req).email);
  if (isNew) await req.line.push(job);
  else flash(req, 'It is running already.');
  res.redirect(303, `/sources/${source.id}`);
}

export async function fetchAgain(req: Request, res: Response) {
  const { sql: on } = req.here;
  const source = await addressed(req);
  const id = numberOrNull(req.params['file']);
  const file = [...newestOf(await linesOf(on, source)).values()].find((one) => one.id === id);
  if (!file) throw new NotFound('This source has no such file, or it was fetched again meanwhile.');
  const { job } = await requestRefetch(on, source, file, accountOf(req).email);
  await req.line.push(job);
  res.redirect(303, `/sources/${source.id}`);
}
