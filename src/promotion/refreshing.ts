// The page from which production is copied down; what came of it is a job's page.
import type { Request, Response } from 'express';
import * as jobs from '../jobs/jobs.ts';
import { rung } from '../environments/ladder.ts';
import type { Stop } from '../environments/place.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, textIn } from '../web/request.ts';

/** There is one copy-down at a time. */
export const COPY_DOWN = 'copy-down';

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

/** A copy-down to be, or a look at it; the one that lives already, if there is one. */
export function askFor(here: Stop, person: string, isLook: boolean) {
  const { inText } = rung(here.name);
  return jobs.request(here.sql, {
    kind: COPY_DOWN,
    name: isLook ? `Look at what a copy-down into ${inText} would do` : `Copy-down into ${inText}`,
    person,
    input: { isLook },
    onlyOne: COPY_DOWN,
  });
}
