import type { Request, Response } from 'express';
import { page } from '../web/pages.ts';
import { numberOrNull, textIn } from '../web/request.ts';
import * as audit from './audit.ts';

export async function index(req: Request, res: Response) {
  const filter = {
    person: textIn(req.query, 'person'),
    action: textIn(req.query, 'action'),
    before: numberOrNull(req.query['before']),
  };
  await page(req, res, 'audit/list', {
    title: 'Audit history',
    crumbs: [{ text: 'Audit history' }],
    filter,
    lines: await audit.find(req.here.sql, filter),
    actions: await audit.actions(req.here.sql),
  });
}
