// The page *Administration / Staging / Jobs*, on which people order new staging databases, or drop some.
import type { Request, Response } from 'express';
import { Conflict, type FieldErrors } from '../problems.ts';
import * as outbox from '../messages/outbox.ts';
import { sendEvents } from '../web/event-stream.ts';
import { olderHref } from '../web/paginate.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import * as environments from './environments.ts';
import { levels } from './names.ts';
import * as orders from './orders.ts';
import type { Order } from './orders.ts';
import { orderView, stateLooks } from './order-view.ts';
import { runJob } from './run.ts';
import * as stagingJobs from './staging-jobs.ts';
import type { StagingJob } from './staging-jobs.ts';

const crumbs = [{ text: 'Staging jobs', href: '/staging/jobs' }];
const FIELDS = ['type', 'environment', 'timestamp', 'suffix', 'replace', 'names'] as const;
const types = { new: 'New Database', drop: 'Drop Databases' };

export async function index(req: Request, res: Response) {
  const { sql: on } = req.here;
  const before = numberOrNull(req.query['before']);
  const list = await stagingJobs.list(on, before);
  const numbers = list.map(({ number }) => number);
  const newest = new Map((await orders.newestOf(on, numbers)).map((one) => [one.job, one]));
  await page(req, res, 'staging/jobs', {
    title: 'Staging jobs',
    crumbs: [{ text: 'Staging jobs' }],
    jobs: list.map((job) => shown(job, newest.get(job.number) ?? null)),
    hasEnvironments: (await environments.list(on)).length > 0,
    olderHref: olderHref('/staging/jobs', {}, list.length, list.at(-1)?.number),
  });
}

const shown = (job: StagingJob, order: Order | null) => ({
  ...job,
  typeText: types[job.type],
  levelText: levels[job.level],
  look: stateLooks[job.state],
  databaseName: job.type === 'new' ? (order?.name ?? null) : null,
});

export const showNew = (req: Request, res: Response) => formPage(req, res, null, {});

const numberOf = (req: Request) => numberOrNull(req.params['number']) ?? 0;

export async function showEdit(req: Request, res: Response) {
  const job = await stagingJobs.known(req.here.sql, numberOf(req));
  if (job.state !== 'draft' && job.state !== 'error') {
    throw new Conflict('This job was run: make a new one.');
  }
  await formPage(req, res, job, {});
}

async function formPage(req: Request, res: Response, job: StagingJob | null, errors: FieldErrors) {
  const { form } = req;
  const isPosted = form.entries.length > 0;
  const all = await environments.list(req.here.sql);
  const stored = {
    type: job?.type ?? 'new',
    environment: String(job?.environment ?? all[0]?.id ?? ''),
    suffix: job?.suffix ?? '',
    names: job?.database_names ?? '',
    isTimestamped: job === null || job.has_timestamp === 1,
    isReplacing: job?.replaces === 1,
  };
  const posted = {
    type: form.text('type') === 'drop' ? 'drop' : 'new',
    environment: form.text('environment'),
    suffix: form.raw('suffix') ?? '',
    names: form.raw('names') ?? '',
    isTimestamped: form.text('timestamp') === 'yes',
    isReplacing: form.text('replace') === 'yes',
  };
  await page(req, res, 'staging/job-form', {
    title: job ? `Staging job ${job.number}` : 'New staging job',
    crumbs,
    job,
    environments: all.map(({ id, name, client, level }) => ({
      value: String(id),
      text: `${name} (${client}-${level})`,
    })),
    typed: isPosted ? posted : stored,
    errors,
  });
}

export async function add(req: Request, res: Response) {
  const addPosted = async () => {
    const by = accountOf(req).email;
    const number = await stagingJobs.add(req.here, by, req.form.pick(...FIELDS));
    res.redirect(303, `/staging/jobs/${number}`);
  };
  await orShowErrors(res, addPosted, (errors) => formPage(req, res, null, errors));
}

export async function save(req: Request, res: Response) {
  const number = numberOf(req);
  const job = await stagingJobs.known(req.here.sql, number);
  const seen = numberOrNull(req.form.raw('version')) ?? 0;
  const savePosted = async () => {
    const by = accountOf(req).email;
    await stagingJobs.change(req.here, by, { number, seen }, req.form.pick(...FIELDS));
    flash(req, 'Saved.');
    res.redirect(303, `/staging/jobs/${number}`);
  };
  await orShowErrors(res, savePosted, (errors) => formPage(req, res, job, errors));
}

export async function show(req: Request, res: Response) {
  const { sql: on } = req.here;
  const job = await stagingJobs.known(on, numberOf(req));
  const all = await orders.ofJob(on, job.number);
  const [newest] = all;
  const mail = newest ? ((await outbox.byMessageId(on, newest.id)) ?? null) : null;
  await page(req, res, 'staging/job', {
    title: `Staging job ${job.number}`,
    crumbs: [...crumbs, { text: `Job ${job.number}` }],
    job: shown(job, newest ?? null),
    order: newest ? orderView(newest) : null,
    former: all.slice(1).map(orderView),
    mail,
    mayRun: job.state === 'draft' || job.state === 'error',
    names: job.database_names.split(/[\s,]+/).filter(Boolean),
  });
}

/** Sends the progress of the newest order of a staging job to the browser that shows this job, every second. */
export async function events(req: Request, res: Response) {
  const { sql: on } = req.here;
  const { number } = await stagingJobs.known(on, numberOf(req));
  await sendEvents(req, res, async () => {
    const [order] = await orders.ofJob(on, number);
    if (!order) return null;
    const { done_count: done, total_count: total } = order;
    const view = orderView(order);
    const state = view.isLive ? 'running' : order.state;
    return { data: { state, done, total, doing: view.doing }, isLast: !view.isLive };
  });
}

export async function run(req: Request, res: Response) {
  const number = numberOf(req);
  await runJob(req.here, number, accountOf(req).email);
  res.redirect(303, `/staging/jobs/${number}`);
}

export async function remove(req: Request, res: Response) {
  await stagingJobs.remove(req.here, accountOf(req).email, numberOf(req));
  flash(req, 'The draft is removed.');
  res.redirect(303, '/staging/jobs');
}
