// Handlers that add and save rows with their dependent rows.
import type { Request, Response } from 'express';
import type { Content, Entity } from '../catalog/entity.ts';
import { ownerOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import { readOne } from '../rows/store.ts';
import { Conflict, Invalid, NotFound } from '../problems.ts';
import { contentAt, EditConflict, type Merged } from '../editing/planned-save.ts';
import * as edits from '../editing/save.ts';
import { addressed, authorOf, idempotencyKeyIn, numberOrNull } from '../web/request.ts';
import { lowerFirst } from '../web/format.ts';
import { returnOf, withReturn } from '../web/return.ts';
import { arranged } from './arrange.ts';
import { asNew } from './child-rows.ts';
import { conflictIn, retypedFamily, showConflict } from './conflict.ts';
import { editPage, newPage } from './form-page.ts';
import { mergedNotice } from './merged-notice.ts';
import { startingForm } from './starting-page.ts';
import { contentsOf, readFamily, shownChildren, type TypedFamily } from './typed-family.ts';
import { asTyped } from './typed-row.ts';
import { writesOf } from './write-pages.ts';

export async function showNew(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const starting = await startingForm(req, entity);
  await newPage(req, res, entity, { ...starting, errors: {} });
}

const INCOMPLETE = 'This page was not sent as a whole. What you typed is here: save it again.';

export async function add(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const { key, isKey } = idempotencyKeyIn(req.form);
  const family = await readFamily(req.here, entity, req.form, null, null);
  const button = req.form.text('arrange');
  if (button !== '') return rearrange(req, res, { entity, id: null }, { family, key }, button);
  try {
    if (!isKey) throw new Invalid({ idempotency_key: INCOMPLETE });
    const { content, children } = await contentsOf(entity, family);
    const writes = writesOf(req);
    const id = await edits.add(writes, authorOf(req), entity, content, key, children);
    writes.saved(`${entity.label.one} added.`);
    res.redirect(303, nextAddress(req, entity, id, content));
  } catch (error) {
    const typed = await shownAgain(req, entity, family);
    if (error instanceof edits.AddedBefore) {
      res.status(422);
      const notice = addedNotice(entity, error.id);
      await newPage(req, res, entity, { ...typed, errors: {}, notice });
    } else if (error instanceof Invalid) {
      res.status(422);
      await newPage(req, res, entity, { ...typed, errors: error.fields, key });
    } else if (error instanceof Conflict) {
      res.status(409);
      // Oneway’s journal of writes has recorded the refusal under this idempotency key, so another attempt needs a new
      // key.
      const again = { ...typed, errors: {}, notice: error.message };
      await newPage(req, res, entity, again);
    } else throw error;
  }
}

/** Returns the typed values of a row and its dependent rows, which the form shows again. */
const shownAgain = async ({ here }: Request, entity: Entity, { own, children }: TypedFamily) => ({
  content: await asTyped(here, entity, own),
  children: await shownChildren(here, children),
});

/**
 * Shows an unsaved form again after a button that adds, duplicates or moves a dependent row. Pages
 * with script do this in the browser.
 */
async function rearrange(
  req: Request,
  res: Response,
  { entity, id }: { entity: Entity; id: number | null },
  { family, version = 0, key = '' }: { family: TypedFamily; version?: number; key?: string },
  button: string,
) {
  const typed = await shownAgain(req, entity, family);
  const { children, opened: openedChild } = arranged(entity, typed.children, button);
  const shown = { content: typed.content, children, openedChild, isUnsaved: true, errors: {} };
  if (id === null) return newPage(req, res, entity, { ...shown, key });
  const row = await readOne(req.here, { entity: entity.name, id });
  if (!row) return gone(req, res, { entity, id }, family);
  const { opened } = family.own;
  await editPage(req, res, entity, row, { ...shown, opened, version, key });
}

/**
 * The message when the user posts a form *Add* a second time with other values, most often after
 * going back in the browser.
 */
function addedNotice(entity: Entity, id: number) {
  const one = lowerFirst(entity.label.one);
  return {
    text: `From this page ${one} ${id} was added already, with other values. Save this one to add another ${one}, or change the one that you added:`,
    href: `/catalog/${entity.name}/${id}`,
    linkText: `${entity.label.one} ${id}`,
  };
}

export async function save(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const given = req.form.text('version');
  const { key } = idempotencyKeyIn(req.form);
  // Without a valid version, the server does not know which content the form showed. No row has
  // version 0, so with version 0 every difference to the stored row counts as a change by this
  // user.
  const version = numberOrNull(given) ?? 0;
  const isVersion = ['', '0'].includes(given) || numberOrNull(given) !== null;
  const opened = await contentAt(req.here, { entity: entity.name, id }, version);
  const family = await readFamily(req.here, entity, req.form, opened, id);
  const button = req.form.text('arrange');
  if (button !== '') return rearrange(req, res, { entity, id }, { family, version, key }, button);
  await saveFamily(
    req,
    res,
    { entity, id },
    { family, version, isVersion, key },
    (content, changed) => ({
      text:
        changed.length > 0
          ? `${entity.label.one} saved.`
          : 'There was nothing to save: every value is the same.',
      address: nextAddress(req, entity, id, content),
    }),
  );
}

/**
 * Saves the values chosen on the conflict page: for each field, the value of this user or the value
 * of the other user.
 */
export async function resolve(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const payload = conflictIn(req.form.raw('payload'));
  const family = await retypedFamily(req, { entity, id }, payload);
  const { version, key } = payload;
  await saveFamily(req, res, { entity, id }, { family, version, isVersion: true, key }, () => ({
    text: 'Your choices are saved.',
    address: withReturn(`/catalog/${entity.name}/${id}`, returnOf(req)),
  }));
}

const ROWS_ADDED =
  'This form was sent before with other values, and its new rows were added then. Save again to add the new rows below, too.';

type Posted = { family: TypedFamily; version: number; isVersion: boolean; key: string };

/** Saves a posted form. `said`: the message and the address of the next page. */
async function saveFamily(
  req: Request,
  res: Response,
  { entity, id }: { entity: Entity; id: number },
  { family, version, isVersion, key }: Posted,
  said: (content: Content, changed: string[]) => { text: string; address: string },
) {
  try {
    if (!isVersion) throw new Invalid({ version: INCOMPLETE });
    const { content, children } = await contentsOf(entity, family);
    const writes = writesOf(req);
    const target = { entity, id };
    let merged: Merged[] = [];
    const onMerged = (found: Merged[]) => {
      merged = found;
    };
    const rows = { key, children, onMerged };
    const changed = await edits.save(writes, authorOf(req), target, content, version, rows);
    const { text, address } = said(content, changed);
    writes.saved([text, ...merged.map(mergedNotice)].join(' '));
    res.redirect(303, address);
  } catch (error) {
    if (error instanceof EditConflict) {
      await showConflict(req, res, { entity, id }, { family, version, key }, error);
    } else if (error instanceof Invalid || error instanceof Conflict) {
      await editAgain(req, res, { entity, id }, { family, version, key }, error);
    } else if (error instanceof NotFound) await gone(req, res, { entity, id }, family);
    else throw error;
  }
}

/** Shows the form again after a refused save, with the typed values and the errors. */
async function editAgain(
  req: Request,
  res: Response,
  { entity, id }: { entity: Entity; id: number },
  { family, version, key }: Omit<Posted, 'isVersion'>,
  error: Invalid | Conflict,
) {
  const row = await readOne(req.here, { entity: entity.name, id });
  if (!row) return gone(req, res, { entity, id }, family);
  res.status(error.status);
  const isAdded = error instanceof edits.AddedBefore;
  const errors = error instanceof Invalid && !isAdded ? error.fields : {};
  const notice = isAdded ? ROWS_ADDED : error.message;
  // Oneway’s journal of writes has recorded this idempotency key, so another attempt needs a new one.
  const said = isAdded || error instanceof Conflict ? { errors, notice } : { errors, key };
  const { opened } = family.own;
  const { content, children } = await shownAgain(req, entity, family);
  const isRefused = (ref: string) => Object.keys(errors).some((name) => name.startsWith(ref));
  await editPage(req, res, entity, row, {
    content,
    // A row whose removal was refused is shown as it is stored now.
    children: children.filter(({ ref, isRemoved }) => !isRemoved || !isRefused(ref)),
    opened,
    version,
    ...said,
  });
}

/**
 * Tells the user that the row was deleted while the form was open, and offers to save the typed
 * values as a new row.
 */
async function gone(
  req: Request,
  res: Response,
  { entity, id }: { entity: Entity; id: number },
  family: TypedFamily,
) {
  const notice = `${entity.label.one} ${id} was deleted while you were editing. What you typed is here: save it as a new ${entity.label.one.toLowerCase()}, or discard it.`;
  res.status(409);
  const { content, children } = await shownAgain(req, entity, family);
  const again = children.filter(({ isRemoved }) => !isRemoved).map(asNew);
  await newPage(req, res, entity, { content, children: again, errors: {}, notice });
}

/**
 * Returns the URL to open after a save. *Save* stays on the row. *Save and close* goes back to the list that the user
 * came from; without such a list, to the parent row or to the whole list. *Save and add another* opens an empty form
 * with the same parent row.
 */
function nextAddress(req: Request, entity: Entity, id: number, content: Content): string {
  const owner = ownerOf(entity, content);
  const back = returnOf(req);
  const row = withReturn(`/catalog/${entity.name}/${id}`, back);
  const above = owner ? `/catalog/${owner.entity}/${owner.id}` : `/catalog/${entity.name}`;
  switch (req.form.text('then')) {
    case 'close':
      return back || above;
    case 'another':
      return withReturn(
        `/catalog/${entity.name}/new${owner ? `?${entity.owner}=${owner.id}` : ''}`,
        back,
      );
    case 'transfer':
      return `${row}#transfer`;
    default:
      return row;
  }
}
