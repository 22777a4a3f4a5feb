// The handlers of a sheet’s pages, which are the same for a transfer, an undo, a restore and a takeover.
import { v7 as uuid } from 'uuid';
import type { Request, Response } from 'express';
import { keyText, titleOf } from '../catalog/entity.ts';
import { entityNamed, travelling } from '../catalog/index.ts';
import { askFarSide } from '../environments/far-side.ts';
import { readOne } from '../rows/store.ts';
import * as journal from '../writing/journal.ts';
import { isStaging } from '../access/permissions.ts';
import { whoMay } from '../access/who-may.ts';
import { comparePairs } from '../comparison/compare-pairs.ts';
import { Conflict, Forbidden, NotFound, type FieldErrors } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import * as identity from '../editing/identity.ts';
import type { Form } from '../web/form/form.ts';
import { accountOf, addressed, authorOf, can, numberOrNull, textIn } from '../web/request.ts';
import { rehearse } from './rehearsal.ts';
import { parseKeys } from './posted-keys.ts';
import * as selections from './selections.ts';
import type { SelectionKind } from './selections.ts';
import { sheetPage } from './page.ts';
import { sheetKinds } from './sheet-kinds.ts';
import { routeOf } from './route.ts';
import { changeKeys } from './shared-selections.ts';
import { noteOthers, savePosted, showOvertaken } from './choices-page.ts';

export const showSheet = (kind: SelectionKind) => (req: Request, res: Response) =>
  sheetPage(req, res, { kind, key: uuid(), problem: '' });

/** Saves the posted choices and shows the sheet again. */
export const saveSheetChoices = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const id = String(req.params['id']);
  const posted = await savePosted(req, kind, id);
  if (posted.overtaken.length > 0) return showOvertaken(req, res, kind, posted);
  noteOthers(req, posted);
  res.redirect(303, addressOf(kind, id, req.form));
};

/** Returns the URL of the page of the sheet that the browser opens after a post. */
export function addressOf(kind: SelectionKind, id: string, form: Form): string {
  const page = numberOrNull(form.text('turn')) ?? numberOrNull(form.text('page')) ?? 1;
  return `${sheetKinds[kind].path}/${id}${page > 1 ? `?page=${page}` : ''}`;
}

/** Rehearses the transfer: tries its writes on the destination’s MySQL, rolls them back, and shows the outcome. */
export const showRehearsal = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const id = String(req.params['id']);
  const posted = await savePosted(req, kind, id);
  if (posted.overtaken.length > 0) return showOvertaken(req, res, kind, posted);
  noteOthers(req, posted);
  const rehearsal = await rehearse(routeOf(req, kind), { ...posted.selection, ...posted.now });
  await sheetPage(req, res, { kind, key: uuid(), problem: '', rehearsal });
};

/** Creates a selection that undoes a transfer, or only its chosen rows, and opens its sheet. */
export async function chooseUndo(req: Request, res: Response) {
  const { sql: on } = req.here;
  const transfer = await journal.byNumber(on, numberOrNull(req.params['number']) ?? 0);
  if (!transfer) throw new NotFound('There is no such transfer.');
  const chosen = await selections.stepsToUndo(on, transfer, req.form.texts('rows'));
  const undo = selections.undoOf(transfer, chosen);
  if (undo.kind === 'undo-here' && !can(req, 'take-over')) {
    throw new Forbidden(whoMay('take-over', req.here.setup));
  }
  const id = await selections.create(on, accountOf(req).email, undo);
  res.redirect(303, `${sheetKinds[undo.kind].path}/${id}`);
}

/** Shows the form that asks for the type and the ID of the production row to restore. */
export const showRestore = (req: Request, res: Response) =>
  restorePage(req, res, { entity: textIn(req.query, 'entity'), id: textIn(req.query, 'id') });

type RestoreForm = { entity: string; id: string; errors?: FieldErrors };

async function restorePage(req: Request, res: Response, { errors = {}, ...typed }: RestoreForm) {
  const title = 'Restore from production';
  await page(req, res, 'sheet/restore', {
    title: Object.keys(errors).length > 0 ? `Error: ${title}` : title,
    crumbs: [{ text: title }],
    entities: travelling,
    ...typed,
    errors,
  });
}

/** Creates a selection that restores a row from production, and opens its sheet. */
export async function chooseRestore(req: Request, res: Response) {
  const id = numberOrNull(req.form.text('id'));
  const name = req.form.text('entity');
  if (id === null || name === '') {
    res.status(422);
    const errors = { id: 'Choose a type and enter an ID, such as 412' };
    return restorePage(req, res, { entity: name, id: req.form.text('id'), errors });
  }
  const keys = parseKeys([`${name}:${id}`]);
  const entity = entityNamed(name);
  const route = routeOf(req, 'restore');
  const row = await askFarSide(route.from, () => readOne(route.from, { entity: name, id }));
  if (!row)
    throw new NotFound(`There is no ${entity.label.one.toLowerCase()} ${id} in production.`);
  const selection = await selections.create(req.here.sql, accountOf(req).email, {
    keys,
    kind: 'restore',
    name: `${titleOf(entity, row)} restored`,
  });
  res.redirect(303, `/restores/${selection}`);
}

/** Creates a selection that takes rows over from the destination, and opens its sheet. */
export async function chooseTakeover(req: Request, res: Response) {
  const keys = parseKeys(req.form.texts('rows'));
  const { sql: on } = req.here;
  const id = await selections.create(on, accountOf(req).email, { keys, kind: 'takeover' });
  res.redirect(303, `/takeovers/${id}`);
}

/** Handles *It is a different row*: gives the row here a new id, and replaces its key in the selection. */
export async function giveNewId(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const route = routeOf(req);
  const key = { entity: entity.name, id };
  const pairs = await askFarSide(route.to, () => comparePairs(req.here, route.to, [key]));
  const pair = pairs.get(keyText(key));
  if (!isStaging(req.here.setup) || pair?.status !== 'Not known to be the same row') {
    throw new Conflict(
      'A row gets a new ID only when the destination may have a different row with its ID.',
    );
  }
  const home = { here: req.here, lease: route.lease };
  const next = await identity.giveNewId(home, authorOf(req), entity, id);
  flash(req, `${entity.label.one} ${id} has the ID ${next.id} now. References to it were updated.`);
  const selection = req.form.text('selection');
  if (selection !== '') {
    await changeKeys(req.here.sql, selection, (keys) =>
      keys.map((key) => (key.entity === entity.name && key.id === id ? next : key)),
    );
    return res.redirect(303, `/selections/${selection}`);
  }
  res.redirect(303, `/catalog/${entity.name}/${next.id}`);
}
