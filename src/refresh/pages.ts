// Handlers of the page that starts a refresh. The result of the refresh is shown on the page of its job.
import type { Request, Response } from 'express';
import * as jobs from '../jobs/jobs.ts';
import { jobView } from '../jobs/view.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf } from '../web/request.ts';
import { REFRESH, requestRefresh } from './job.ts';

export async function index(req: Request, res: Response) {
  const running = await jobs.active(req.here.sql, REFRESH);
  await page(req, res, 'refresh/list', {
    title: 'Refresh from production',
    crumbs: [{ text: 'Refresh' }],
    jobs: (await jobs.newest(req.here.sql, REFRESH)).map(jobView),
    running: running ? jobView(running) : null,
  });
}

export async function start(req: Request, res: Response) {
  const dryRun = req.form.text('what') !== 'copy';
  const { job, isNew } = await requestRefresh(req.here, accountOf(req).email, dryRun);
  if (isNew) await req.line.push(job);
  else flash(req, 'A refresh is already running: this is the job.');
  res.redirect(303, `/jobs/${job.number}`);
}
