// Creates a selection (the rows for a transfer) from the rows that a user chose in a list.
import { parse } from 'node:querystring';
import type { Request, Response } from 'express';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import * as selections from '../sheet/selections.ts';
import { addTo } from '../sheet/shared-selections.ts';
import { accountOf } from '../web/request.ts';
import { zoneOf } from '../web/viewer.ts';
import { parseListState } from './list-state.ts';
import { allReadyIds } from './list-query.ts';

/**
 * Puts the ticked rows of a list, or all rows found that are ready to transfer, into a new or
 * existing selection, and opens the transfer sheet of that selection.
 */
export async function choose(req: Request, res: Response) {
  const keys =
    req.form.text('scope') === 'ready' ? await readyRows(req) : parseKeys(req.form.texts('rows'));
  const into = req.form.text('into');
  if (into !== '') {
    await addTo(req.here.sql, into, keys);
    return res.redirect(303, `/selections/${into}`);
  }
  const id = await selections.create(req.here.sql, accountOf(req).email, { keys });
  res.redirect(303, `/selections/${id}`);
}

async function readyRows(req: Request): Promise<RowKey[]> {
  const entity = entityNamed(req.form.text('entity'));
  const state = parseListState(entity, parse(req.form.text('query')), zoneOf(req));
  const ids = await allReadyIds(req.here, entity, state, accountOf(req).email);
  return parseKeys(ids.map((id) => keyText({ entity: entity.name, id })));
}
