import type { Request, Response } from 'express';
import type { App } from '../environments/app.ts';
import { NotFound } from '../problems.ts';
import { sendEvents } from '../web/event-stream.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import { cancel as cancelJob } from './cancel.ts';
import * as deadLetters from './dead-letters.ts';
import * as jobs from './jobs.ts';
import { livePart, liveView } from './live.ts';
import { mayBeRetried, retry as retryJob } from './retry.ts';
import * as scheduled from './schedules.ts';
import { stepsOf } from './steps.ts';
import type { Tasks } from './task.ts';
import { isDelayed, jobView, nextStep, shownState } from './view.ts';

async function addressedJob(req: Request): Promise<jobs.Job> {
  const job = await jobs.byNumber(req.here.sql, numberOrNull(req.params['number']) ?? 0);
  if (!job) throw new NotFound('There is no such job.');
  return job;
}

export const show = (tasks: Tasks) => async (req: Request, res: Response) => {
  const job = await addressedJob(req);
  const { sql: on } = req.here;
  const task = tasks[job.kind];
  const parent = job.parent === null ? undefined : await jobs.byId(on, job.parent);
  const steps = await stepsOf(on, job.id);
  await page(req, res, 'jobs/job', {
    title: `Job ${job.number}: ${job.name}`,
    crumbs: [{ text: 'Jobs', href: '/jobs' }, { text: `Job ${job.number}` }],
    job: jobView(job),
    state: shownState(job),
    next: nextStep(job),
    parent: parent ?? null,
    kindLabel: task?.label ?? job.kind,
    attempts: { made: job.attempt, most: task?.attempts ?? null },
    priority: job.priority ?? task?.priority ?? 'normal',
    isDelayed: isDelayed(job),
    isUnstoppable: task?.mayBeCancelled !== true,
    mayBeCancelled: jobs.isLive(job) && task?.mayBeCancelled === true && !job.cancelled_by,
    mayBeRetried: mayBeRetried(tasks, job),
    failedStep: steps.find(({ state }) => state !== 'done') ?? null,
    live: await liveView(on, job),
    openLetters: await deadLetters.countOpen(on, job.id),
    input: job.input,
    outcome: await outcomeOf(req.here, tasks, job),
  });
};

async function outcomeOf(here: App, tasks: Tasks, job: jobs.Job) {
  const shown = tasks[job.kind]?.outcome;
  if (!shown || jobs.isLive(job)) return null;
  const report =
    job.report === null
      ? ((await shown.unfinished?.(here, job)) ?? null)
      : (JSON.parse(job.report) as object);
  if (report === null) return null;
  return { view: shown.view, locals: shown.locals(report, JSON.parse(job.input) as object) };
}

/** Streams the progress of a job as server-sent events. */
export async function events(req: Request, res: Response) {
  const { number } = await addressedJob(req);
  const { here } = req;
  let shown = '';
  await sendEvents(req, res, async () => {
    const job = await jobs.byNumber(here.sql, number);
    if (!job) return null;
    const { state, done_count: done, total_count: total, doing } = job;
    const part = await livePart(here.sql, job);
    const live = part === shown ? undefined : part;
    shown = part;
    return { data: { state, done, total, doing, live }, isLast: !jobs.isLive(job) };
  });
}

export const cancel = (tasks: Tasks) => async (req: Request, res: Response) => {
  const job = await addressedJob(req);
  const isCancelled = await cancelJob(req.here, tasks, job, accountOf(req).email);
  flash(
    req,
    isCancelled ? 'The job stops at its next step.' : 'The job had ended or was cancelled already.',
  );
  res.redirect(303, `/jobs/${job.number}`);
};

export const retry = (tasks: Tasks) => async (req: Request, res: Response) => {
  const job = await addressedJob(req);
  const from = req.form.text('from') === 'start' ? 'start' : 'failed step';
  await retryJob(req.here, tasks, job, { person: accountOf(req).email, from });
  await req.line.push({ ...job, run_at: null });
  flash(req, 'The job runs again.');
  res.redirect(303, `/jobs/${job.number}`);
};

/**
 * Returns the handler of the button *Run now*, which starts a schedule’s job without waiting for
 * its time.
 */
export const runSchedule =
  (schedules: scheduled.Schedules) => async (req: Request, res: Response) => {
    const { here } = req;
    const schedule = (await schedules(here)).find(({ name }) => name === req.params['name']);
    if (!schedule) throw new NotFound('There is no such schedule.');
    const { job, isNew } = await scheduled.runNow(here, schedule, accountOf(req).email);
    if (isNew) await req.line.push(job);
    else flash(req, 'It is running already: this is the job.');
    res.redirect(303, `/jobs/${job.number}`);
  };
