import type { Request, Response } from 'express';
import { setTimeout as sleep } from 'node:timers/promises';
import { toSqlInstant } from '../database/sql.ts';
import { NotFound } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import { cancel as cancelJob } from './cancel.ts';
import * as deadLetters from './dead-letters.ts';
import * as jobs from './jobs.ts';
import { livePart, liveView } from './live.ts';
import { mayBeRetried, retry as retryJob } from './retry.ts';
import * as scheduled from './schedules.ts';
import { stepsOf } from './steps.ts';
import type { Tasks } from './task.ts';

export const index =
  (tasks: Tasks, schedules: scheduled.Schedule[]) => async (req: Request, res: Response) => {
    const { here } = req;
    const filter = {
      state: textIn(req.query, 'state'),
      kind: textIn(req.query, 'kind'),
      before: numberOrNull(req.query['before']),
    };
    const list = await jobs.list(here.sql, filter);
    await page(req, res, 'jobs/list', {
      title: 'Jobs',
      crumbs: [{ text: 'Jobs' }],
      filter,
      list,
      states: jobs.jobStates,
      tasks,
      schedules: await scheduled.shown(here, schedules),
      openLetters: await deadLetters.countOpen(here.sql),
      older: String(new URLSearchParams({ ...filter, before: String(list.at(-1)?.number) })),
    });
  };

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
    job,
    parent,
    kindLabel: task?.label ?? job.kind,
    attempts: { made: job.attempt, most: task?.attempts ?? null },
    priority: job.priority ?? task?.priority ?? 'normal',
    isLive: jobs.isLive(job),
    isDelayed: job.state === 'waiting' && job.run_at !== null && job.run_at > sqlNow(),
    mayBeCancelled: jobs.isLive(job) && task?.mayBeCancelled === true,
    mayBeRetried: mayBeRetried(tasks, job),
    failedStep: steps.find(({ state }) => state !== 'done') ?? null,
    live: await liveView(on, job),
    openLetters: await deadLetters.countOpen(on, job.id),
    input: JSON.parse(job.input) as object,
    report: job.report === null ? null : (JSON.parse(job.report) as object),
  });
};

const sqlNow = () => toSqlInstant(new Date().toISOString());

const BEAT_MS = 1000;

/** The progress of a job, second by second (server-sent events). */
export async function events(req: Request, res: Response) {
  const { number } = await addressedJob(req);
  const { here } = req;
  let isOpen = true;
  let shown = '';
  res.once('close', () => (isOpen = false));
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  while (isOpen && !here.halt.signal.aborted) {
    const job = await jobs.byNumber(here.sql, number);
    if (!job) break;
    const { state, done_count: done, total_count: total, doing } = job;
    const part = await livePart(here.sql, job);
    const live = part === shown ? undefined : part;
    res.write(`data: ${JSON.stringify({ state, done, total, doing, live })}\n\n`);
    shown = part;
    if (!jobs.isLive(job)) break;
    await sleep(BEAT_MS);
  }
  res.end();
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
  const from = textIn(req.body, 'from') === 'start' ? 'start' : 'failed step';
  await retryJob(req.here, tasks, job, { person: accountOf(req).email, from });
  await req.line.push({ ...job, run_at: null });
  flash(req, 'The job runs again.');
  res.redirect(303, `/jobs/${job.number}`);
};

/** Someone runs a schedule before its time. */
export const runSchedule =
  (schedules: scheduled.Schedule[]) => async (req: Request, res: Response) => {
    const { here } = req;
    const schedule = scheduled
      .declaredFor(here, schedules)
      .find(({ name }) => name === req.params['name']);
    if (!schedule) throw new NotFound('There is no such schedule.');
    const { job, isNew } = await scheduled.runNow(here, schedule, accountOf(req).email);
    if (isNew) await req.line.push(job);
    else flash(req, 'It is running already: this is the job.');
    res.redirect(303, `/jobs/${job.number}`);
  };
