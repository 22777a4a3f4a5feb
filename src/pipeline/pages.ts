// The web pages about pipeline runs: the list of runs, and for each run its progress, rows, problem and the button
// *Resume*.
import type { Request, Response } from 'express';
import { fromSqlInstant } from '../database/sql.ts';
import * as jobs from '../jobs/jobs.ts';
import { jobView } from '../jobs/view.ts';
import { olderHref } from '../web/paginate.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, can, numberOrNull, textIn } from '../web/request.ts';
import { looks } from './looks.ts';
import { structureOf, type Run } from './runs.ts';
import * as runs from './runs.ts';
import { tablesOf } from './target.ts';

const states = Object.keys(looks) as Run['state'][];

const shown = (run: Run) => ({
  ...run,
  fullName: `${run.organisation}/${run.name}`,
  look: looks[run.state],
});

export async function index(req: Request, res: Response) {
  const { sql: on, settings } = req.here;
  const filter = {
    state: textIn(req.query, 'state'),
    dataset: textIn(req.query, 'dataset'),
  };
  const list = await runs.list(on, {
    state: filter.state,
    dataset: numberOrNull(filter.dataset),
    before: numberOrNull(req.query['before']),
  });
  await page(req, res, 'pipeline/list', {
    title: 'Pipeline runs',
    crumbs: [{ text: 'Pipeline runs' }],
    list: list.map(shown),
    filter,
    isFiltered: filter.state !== '' || filter.dataset !== '',
    isConfigured: settings.pipeline !== null,
    states: [
      { value: '', text: 'All states' },
      ...states.map((value) => ({ value, text: looks[value].text })),
    ],
    olderHref: olderHref('/pipeline-runs', filter, list.length, list.at(-1)?.number),
  });
}

const addressed = (req: Request) =>
  runs.known(req.here.sql, numberOrNull(req.params['number']) ?? 0);

export async function show(req: Request, res: Response) {
  const { here } = req;
  const run = await addressed(req);
  const job = run.job === null ? undefined : await jobs.byId(here.sql, run.job);
  const live = job && jobs.isLive(job) ? job : null;
  await page(req, res, 'pipeline/run', {
    title: `Pipeline run ${run.number}`,
    crumbs: [{ text: 'Pipeline runs', href: '/pipeline-runs' }, { text: `Run ${run.number}` }],
    run: shown(run),
    table: tablesOf(run).dataset,
    columns: structureOf(run) ?? [],
    job: live && jobView(live),
    problem: live?.problem ?? null,
    jobNumber: job?.number ?? null,
    minutes: run.ended_at && minutesBetween(run.created_at, run.ended_at),
    mayResume: run.state === 'failed' && can(req, 'manage-data'),
  });
}

const minutesBetween = (from: string, to: string) =>
  Math.max(
    0,
    Math.round((Date.parse(fromSqlInstant(to)) - Date.parse(fromSqlInstant(from))) / 60_000),
  );

export async function resume(req: Request, res: Response) {
  const run = await addressed(req);
  const job = await runs.resume(req.here, accountOf(req).email, run);
  await req.line.push(job);
  flash(req, `Run ${run.number} goes on.`);
  res.redirect(303, `/pipeline-runs/${run.number}`);
}
