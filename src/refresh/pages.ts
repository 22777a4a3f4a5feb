// The page from which production is copied down; what came of it is a job's page.
import type { Request, Response } from 'express';
import * as jobs from '../jobs/jobs.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, textIn } from '../web/request.ts';
import { COPY_DOWN, askFor } from './job.ts';

export async function index(req: Request, res: Response) {
  await page(req, res, 'promotion/copy-downs', {
    title: 'Copy production down',
    crumbs: [{ text: 'Copy down' }],
    jobs: await jobs.newest(req.here.sql, COPY_DOWN),
    running: await jobs.living(req.here.sql, COPY_DOWN),
  });
}

export async function start(req: Request, res: Response) {
  const isLook = textIn(req.body, 'what') !== 'copy';
  const { job, isNew } = await askFor(req.here, accountOf(req).email, isLook);
  if (isNew) await req.line.push(job);
  else flash(req, 'One is under way already: this is it.');
  res.redirect(303, `/jobs/${job.number}`);
}
