import type { Request, Response } from 'express';
import { page } from '../web/pages.ts';
import { olderHref } from '../web/paginate.ts';
import { numberOrNull, textIn } from '../web/request.ts';
import * as audit from './audit.ts';

export async function index(req: Request, res: Response) {
  const filter = { person: textIn(req.query, 'person'), action: textIn(req.query, 'action') };
  const before = numberOrNull(req.query['before']);
  const lines = await audit.find(req.here.sql, { ...filter, before });
  await page(req, res, 'audit/list', {
    title: 'Audit history',
    crumbs: [{ text: 'Audit history' }],
    filter,
    lines,
    actions: await audit.actions(req.here.sql),
    olderHref: olderHref('/audit', filter, lines.length, lines.at(-1)?.id),
  });
}
