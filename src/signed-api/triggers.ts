// The routes with which clients of the signed API start runs of data sources, as an external scheduler does every night
// (S3-09, S3-30). A run fetches and loads new data files of the publisher to which the data source belongs.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { needScope } from '../access/scopes.ts';
import { fromSqlInstant } from '../database/sql.ts';
import * as jobs from '../jobs/jobs.ts';
import { reportOf } from '../sources/report.ts';
import { requestRun, SOURCE_RUN, sourceRunInput } from '../sources/run.ts';
import * as sources from '../sources/sources.ts';
import type { Source } from '../sources/sources.ts';
import { answer, clientOf } from './answer.ts';
import { ownOrigin } from './address.ts';
import { queried } from './query.ts';
import { ApiRefusal } from './refusal.ts';

export const RUN_SCOPE = 'sources:run';

const wantedRun = z.strictObject({
  source: z
    .union(
      [z.string().min(1).max(60), z.int().positive()],
      'must be the name or the number of a source; all active ones run when it is left out',
    )
    .optional(),
});

/**
 * Requests runs of one data source or of all active sources. Responds with 202 and the numbers of the jobs, or with 200
 * if all of these runs are waiting or running already.
 */
export async function requestRuns(req: Request, res: Response) {
  const { here, line } = req;
  const { holder } = clientOf(req);
  needScope(holder, RUN_SCOPE);
  queried(z.strictObject({}), req.query);
  const wanted = queried(wantedRun, bodyOf(req));
  const chosen =
    wanted.source === undefined
      ? await sources.active(here.sql)
      : [await sourceOf(req, wanted.source)];
  const runs = [];
  let isAnyNew = false;
  for (const source of chosen) {
    const { job, isNew } = await requestRun(here.sql, source, `API client ${holder.name}`);
    if (isNew) await line.push(job);
    isAnyNew ||= isNew;
    const url = new URL(`/api/v1/source-runs/${job.number}`, ownOrigin(req)).href;
    runs.push({ source: source.name, job: job.number, new: isNew, url });
  }
  await answer(req, res, JSON.stringify({ runs }), isAnyNew ? 202 : 200);
}

/**
 * Parses the body of a request, whose hash is verified already. An empty body means all active data sources.
 */
function bodyOf({ body }: Request): unknown {
  const text = (body as Buffer).toString('utf8');
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiRefusal(422, 'invalid', 'The body is no JSON, such as {"source": "Rainfall"}.');
  }
}

async function sourceOf({ here }: Request, wanted: string | number): Promise<Source> {
  if (typeof wanted === 'number') return sources.known(here.sql, wanted);
  const found = await sources.named(here.sql, wanted);
  if (!found) throw new ApiRefusal(404, 'not_found', `There is no source ${wanted}.`);
  return found;
}

/** Sends the state and the progress of a run of a data source. */
export async function showRun(req: Request, res: Response) {
  const { sql: on } = req.here;
  needScope(clientOf(req).holder, RUN_SCOPE);
  queried(z.strictObject({}), req.query);
  const text = String(req.params['number']);
  const job = /^[1-9]\d{0,15}$/.test(text) ? await jobs.byNumber(on, Number(text)) : undefined;
  if (job?.kind !== SOURCE_RUN) {
    throw new ApiRefusal(404, 'not_found', `There is no run of a source with the number ${text}.`);
  }
  const { source: id } = sourceRunInput.parse(JSON.parse(job.input));
  const instant = (at: string | null) => (at === null ? null : fromSqlInstant(at));
  const shown = {
    job: job.number,
    source: (await sources.known(on, id)).name,
    state: job.state,
    doing: job.doing,
    problem: job.problem,
    requested: instant(job.created_at),
    started: instant(job.started_at),
    ended: instant(job.ended_at),
    report: jobs.isLive(job) ? null : reportOf(job.report),
  };
  await answer(req, res, JSON.stringify(shown));
}
