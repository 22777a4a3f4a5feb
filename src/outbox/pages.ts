import type { Request, Response } from 'express';
import { ladder, rulesOf, type EnvironmentName } from '../environments/rules.ts';
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
    isTold: req.here.notifiesIndexer,
    sender: senderOf(req),
    inText: (name: EnvironmentName) => rulesOf(name).inText,
    lines: lines.map((line) => ({ ...line, told: JSON.parse(line.body) as object })),
  });
}

/** Who tells of what arrives here: the stop before. */
function senderOf({ here }: Request) {
  const name = ladder.find((one) => rulesOf(one).next === here.name);
  return name ? { inText: rulesOf(name).inText, href: here.settings.urls[name] ?? null } : null;
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
