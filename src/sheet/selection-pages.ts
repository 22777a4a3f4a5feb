// The page that lists selections.
import type { Request, Response } from 'express';
import { keyText } from '../catalog/entity.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf } from '../web/request.ts';
import { countsByType, nameOfRows } from '../web/format.ts';
import { titlesOf } from '../state/untouched.ts';
import * as selections from './selections.ts';
import * as shared from './shared-selections.ts';

export async function selectionIndex(req: Request, res: Response) {
  const list = await selections.list(req.here.sql, accountOf(req).email);
  const sent = await selections.sentFrom(
    req.here.sql,
    list.map(({ id }) => id),
  );
  const titles = await titlesOf(
    req.here,
    list.flatMap(({ keys }) => (keys.length <= 2 ? keys : [])),
  );
  await page(req, res, 'sheet/selections', {
    title: 'Selections',
    crumbs: [{ text: 'Selections' }],
    list: list.map((one) => {
      const rows = one.keys.map((key) => ({
        ...key,
        title: titles.get(keyText(key)) ?? String(key.id),
      }));
      const name = one.name || nameOfRows(rows);
      const seen = shared.seenOf(one);
      return { ...one, seen, name, sent: sent.get(one.id) ?? [], kinds: countsByType(rows) };
    }),
  });
}

/** Removes a selection. The rows that it names stay unchanged. */
export async function discardSelection(req: Request, res: Response) {
  const seen = req.form.text('seen');
  await shared.discard(req.here.sql, String(req.params['id']), seen);
  flash(req, 'Selection removed. Its rows are unchanged.');
  res.redirect(303, '/selections');
}
