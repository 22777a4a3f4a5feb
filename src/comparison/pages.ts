// The comparison of everything here with the destination.
import type { Request, Response } from 'express';
import { keyText, titleOf } from '../catalog/entity.ts';
import { entityNamed, travelling } from '../catalog/index.ts';
import { rulesOf } from '../environments/rules.ts';
import type { Environment } from '../environments/environment.ts';
import { comparePairs } from './compare-pairs.ts';
import { fieldDiff } from './field-diff.ts';
import { statuses, type Status } from '../state/status.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import * as comparison from './job.ts';
import { matrix, idsInMatrix } from './matrix.ts';
import { unreachable } from '../environments/unreachable.ts';
import { destinationOf } from '../environments/app.ts';

export async function showComparison(req: Request, res: Response) {
  const there = destinationOf(req.here);
  const entity = textIn(req.query, 'entity');
  const status = statuses.find((one) => one === textIn(req.query, 'status'));
  const counts = await matrix(req.here.sql);
  const found = [...counts.values()].flatMap((own) => [...own.keys()]);
  await page(req, res, 'comparison/page', {
    title: `Compare with ${rulesOf(there.name).inText}`,
    crumbs: [{ text: `Compare with ${rulesOf(there.name).inText}` }],
    there: rulesOf(there.name),
    runs: await comparison.latestComparisons(req.here.sql),
    counts,
    entities: travelling,
    columns: statuses.filter((one) => found.includes(one)),
    entity,
    status,
    differing: status && entity ? await differing(req, there, entity, status) : null,
    keyText,
  });
}

/** Rows of one cell of the matrix, compared live, each with its field diff. */
async function differing(req: Request, there: Environment, name: string, status: Status) {
  const entity = entityNamed(name);
  const after = numberOrNull(req.query['after']) ?? 0;
  const limit = 50;
  const ids = await idsInMatrix(req.here.sql, { entity: entity.name, status }, { after, limit });
  const keys = ids.map((id) => ({ entity: entity.name, id }));
  const pairs = await comparePairs(req.here, there, keys).catch((error: unknown) => {
    throw unreachable(error, there);
  });
  const rows = keys.flatMap((key) => {
    const pair = pairs.get(keyText(key));
    if (!pair?.status) return [];
    const fields = fieldDiff(pair);
    const row = pair.here ?? pair.there;
    const title = row ? titleOf(entity, row) : `${entity.label.one} ${key.id}`;
    return [{ key, title, status: pair.status, isHere: pair.here !== null, fields }];
  });
  return { rows, next: ids.length === limit ? ids.at(-1) : null };
}

/** Starts a comparison as a job; the page shows its progress. */
export async function compare(req: Request, res: Response) {
  destinationOf(req.here);
  const { job, isNew } = await comparison.requestComparison(req.here, accountOf(req).email, {
    isFull: textIn(req.body, 'full') === 'yes',
  });
  if (isNew) await req.line.push(job);
  else flash(req, 'A comparison is under way already.');
  res.redirect(303, '/comparison');
}
