// Handles the buttons for rows that a user chose on a list, on the pages *Pending*, *Compare* or *Arrived*, or on the
// page of a row: puts these rows on a transfer sheet or into a selection.
import { parse } from 'node:querystring';
import type { Request, Response } from 'express';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import { activeOf } from '../sheet/schedules.ts';
import * as selections from '../sheet/selections.ts';
import { addTo } from '../sheet/shared-selections.ts';
import { allPending, matching } from '../state/pending-entries.ts';
import { chosenOf } from '../transfers/arrivals.ts';
import { exactly, plural, rowsText } from '../web/format.ts';
import { flash } from '../web/pages.ts';
import { accountOf } from '../web/request.ts';
import { returnOf, withReturn } from '../web/return.ts';
import { zoneOf } from '../web/viewer.ts';
import { parseListState } from './list-state.ts';
import { allIds, allReadyIds } from './list-query.ts';

/**
 * Opens the transfer sheet of the ticked rows of a list, or of all rows that match its filters and are ready to
 * transfer.
 */
export async function choose(req: Request, res: Response) {
  const keys = await chosenKeys(req);
  const id = await selections.create(req.here.sql, accountOf(req).email, { keys });
  res.redirect(303, `/selections/${id}`);
}

/** Adds the ticked rows of a list, or all rows that match its filters, to an existing or a new selection. */
export async function addToSelection(req: Request, res: Response) {
  const { keys, chain } = await rowsToAdd(req);
  const into = req.form.text('into');
  const back = returnOf(req);
  if (into === NEW) {
    const draft = await selections.create(req.here.sql, accountOf(req).email, { keys, chain });
    return res.redirect(303, withReturn(`/selections/new?draft=${draft}`, back));
  }
  const { name, added, present } = await addTo(req.here.sql, into, keys, chain);
  const before = present === 0 ? '' : ` ${plural(present, wasThere)} there already.`;
  const address = `/selections/${into}`;
  const link = { href: address, text: 'Open the selection' };
  flash(req, `${rowsText(added)} added to “${name}”.${before}${await dueText(req, into)}`, link);
  res.redirect(303, back || address);
}

async function rowsToAdd(req: Request): Promise<{ keys: RowKey[]; chain: string[] }> {
  const transfer = req.form.text('arrived');
  if (transfer !== '') return chosenOf(req, transfer);
  const isEverything = req.form.text('everything') === 'yes';
  const keys = isEverything ? await foundRows(req, allIds) : parseKeys(req.form.texts('rows'));
  return { keys, chain: [] };
}

/**
 * If a selection is scheduled, returns a sentence that says when it will be sent, because the rows that were just added
 * will be sent with it.
 */
async function dueText({ here }: Request, selection: string): Promise<string> {
  const schedule = await activeOf(here.sql, selection);
  return schedule ? ` It is scheduled for ${exactly(schedule.run_at)}.` : '';
}

/** The value of the posted field `into` that begins a new selection. */
const NEW = 'new';
const wasThere = { one: 'was', many: 'were' };

/**
 * Returns the ticked rows, or all rows that are ready to transfer: those that match the filters of a list, or those on
 * the page *Pending*.
 */
async function chosenKeys(req: Request): Promise<RowKey[]> {
  const scope = req.form.text('scope');
  if (scope === 'ready') return foundRows(req, allReadyIds);
  return scope === 'pending' ? pendingRows(req) : parseKeys(req.form.texts('rows'));
}

async function pendingRows({ here, form }: Request): Promise<RowKey[]> {
  const filter = { entity: form.text('entity'), person: form.text('person') };
  const ready = matching(await allPending(here.sql), filter).filter(
    ({ group }) => group === 'ready',
  );
  return parseKeys(ready.map(({ key }) => keyText(key)));
}

async function foundRows(req: Request, idsOf: typeof allIds): Promise<RowKey[]> {
  const entity = entityNamed(req.form.text('entity'));
  const state = parseListState(entity, parse(req.form.text('query')), zoneOf(req));
  const ids = await idsOf(req.here, entity, state, accountOf(req).email);
  return parseKeys(ids.map((id) => keyText({ entity: entity.name, id })));
}
