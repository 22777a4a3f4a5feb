import type { Request, Response } from 'express';
import { setTimeout as sleep } from 'node:timers/promises';
import { NotFound } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import * as jobs from './jobs.ts';
import { cancel as cancelJob, type Tasks } from './run.ts';

export const index = (tasks: Tasks) => async (req: Request, res: Response) => {
  const filter = {
    state: textIn(req.query, 'state'),
    kind: textIn(req.query, 'kind'),
    before: numberOrNull(req.query['before']),
  };
  await page(req, res, 'jobs/list', {
    title: 'Jobs',
    crumbs: [{ text: 'Jobs' }],
    filter,
    list: await jobs.list(req.here.sql, filter),
    states: jobs.jobStates,
    tasks,
  });
};

async function addressedJob(req: Request): Promise<jobs.Job> {
  const job = await jobs.byNumber(req.here.sql, numberOrNull(req.params['number']) ?? 0);
  if (!job) throw new NotFound('There is no such job.');
  return job;
}

export const show = (tasks: Tasks) => async (req: Request, res: Response) => {
  const job = await addressedJob(req);
  await page(req, res, 'jobs/job', {
    title: `Job ${job.number}: ${job.name}`,
    crumbs: [{ text: 'Jobs', href: '/jobs' }, { text: `Job ${job.number}` }],
    job,
    isLive: isLive(job),
    mayBeCancelled: isLive(job) && tasks[job.kind]?.mayBeCancelled === true,
    input: JSON.parse(job.input) as object,
    report: job.report === null ? null : (JSON.parse(job.report) as object),
  });
};

const isLive = ({ state }: jobs.Job) => state === 'waiting' || state === 'running';

const BEAT = 1000;

/** How far a job is, second by second (server-sent events). */
export async function events(req: Request, res: Response) {
  const { number } = await addressedJob(req);
  let isOpen = true;
  res.once('close', () => (isOpen = false));
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  while (isOpen && !req.here.halt.signal.aborted) {
    const job = await jobs.byNumber(req.here.sql, number);
    if (!job) break;
    const { state, done_count: done, total_count: total, doing } = job;
    res.write(`data: ${JSON.stringify({ state, done, total, doing })}\n\n`);
    if (!isLive(job)) break;
    await sleep(BEAT);
  }
  res.end();
}

export const cancel = (tasks: Tasks) => async (req: Request, res: Response) => {
  const job = await addressedJob(req);
  const isCancelled = await cancelJob(req.here, tasks, job, accountOf(req).email);
  flash(
    req,
    isCancelled ? 'It stops at its next step.' : 'It had ended already, or stops already.',
  );
  res.redirect(303, `/jobs/${job.number}`);
};
