import type { Request, Response } from 'express';
import { NotFound } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import * as outbox from './outbox.ts';

export async function index(req: Request, res: Response) {
  const filter = {
    state: textIn(req.query, 'state'),
    before: numberOrNull(req.query['before']),
  };
  const lines = await outbox.list(req.here.sql, filter);
  await page(req, res, 'outbox/list', {
    title: 'Told the indexer',
    crumbs: [{ text: 'Told the indexer' }],
    filter,
    isTold: req.here.tells,
    lines: lines.map((line) => ({ ...line, told: JSON.parse(line.body) as object })),
  });
}

export async function sendAgain(req: Request, res: Response) {
  const isThere = await outbox.again(
    req.here,
    numberOrNull(req.params['id']) ?? 0,
    accountOf(req).email,
  );
  if (!isThere) throw new NotFound('There is no such line.');
  flash(req, 'It is sent again in a moment.');
  res.redirect(303, '/outbox');
}
