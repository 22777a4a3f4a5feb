// Handlers that add, save and delete rows from their pages.
import { v7 as uuid } from 'uuid';
import type { Request, Response } from 'express';
import { titleOf, type Content, type Entity, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { readOne } from '../rows/store.ts';
import { Conflict, Invalid, NotFound } from '../problems.ts';
import { deletion, remove as removeRow } from '../editing/deletions.ts';
import * as edits from '../editing/save.ts';
import type { WriteContext } from '../writing/changes.ts';
import { flash, page } from '../web/pages.ts';
import { addressed, authorOf, idempotencyKeyIn, localPath, numberOrNull } from '../web/request.ts';
import { lowerFirst, plural } from '../web/format.ts';
import { editPage, newPage, startingContent } from './row.ts';
import { ownerOf } from '../catalog/family.ts';
import { storedNotice } from './stored-notice.ts';
import { showConflict, conflictIn } from './conflict.ts';
import { asTyped, contentOf, readTyped, retyped, type TypedRow } from './typed-row.ts';

/**
 * Returns what a handler needs to write a row. `saved` shows a message on the next page, which
 * names the fields that the database stored differently than sent.
 */
function writesOf(req: Request): WriteContext & { saved: (text: string) => void } {
  const { here } = req;
  const notices: string[] = [];
  return {
    here,
    lease: here.settings.lease.milliseconds,
    onStoredDifferently: (steps) => notices.push(...steps.map(storedNotice)),
    saved: (text) => flash(req, [text, ...notices].join(' ')),
  };
}

export async function showNew(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const content = startingContent(entity, req.query);
  await newPage(req, res, entity, { content, errors: {}, key: uuid() });
}

const INCOMPLETE = 'This page was not sent as a whole. What you typed is here: save it again.';

export async function add(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const { key, isKey } = idempotencyKeyIn(req.form);
  const typed = await readTyped(req.here, entity, req.form, null);
  try {
    if (!isKey) throw new Invalid({ idempotency_key: INCOMPLETE });
    const content = contentOf(entity, typed);
    const writes = writesOf(req);
    const id = await edits.add(writes, authorOf(req), entity, content, key);
    writes.saved(`${entity.label.one} added.`);
    res.redirect(303, nextAddress(req, entity, id, content));
  } catch (error) {
    const content = await asTyped(req.here, entity, typed);
    if (error instanceof edits.AddedBefore) {
      res.status(422);
      const notice = addedNotice(entity, error.id);
      await newPage(req, res, entity, { content, errors: {}, notice, key: uuid() });
    } else if (error instanceof Invalid) {
      res.status(422);
      await newPage(req, res, entity, { content, errors: error.fields, key });
    } else if (error instanceof Conflict) {
      res.status(409);
      // The journal has recorded the refusal under this idempotency key, so another attempt needs a
      // new key.
      const again = { content, errors: {}, notice: error.message, key: uuid() };
      await newPage(req, res, entity, again);
    } else throw error;
  }
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
  // Without a valid version, the server does not know which content the form showed. No row has
  // version 0, so with version 0 every difference to the stored row counts as a change by this
  // user.
  const version = numberOrNull(given) ?? 0;
  const isVersion = ['', '0'].includes(given) || numberOrNull(given) !== null;
  const opened = await edits.contentAt(req.here, { entity: entity.name, id }, version);
  const typed = await readTyped(req.here, entity, req.form, opened);
  try {
    if (!isVersion) throw new Invalid({ version: INCOMPLETE });
    const content = contentOf(entity, typed);
    const writes = writesOf(req);
    const changed = await edits.save(writes, authorOf(req), { entity, id }, content, version);
    writes.saved(
      changed.length > 0
        ? `${entity.label.one} saved.`
        : 'There was nothing to save: every value is the same.',
    );
    res.redirect(303, nextAddress(req, entity, id, content));
  } catch (error) {
    if (error instanceof edits.EditConflict) await showConflict(req, res, entity, id, error);
    else if (error instanceof Invalid || error instanceof Conflict) {
      await editAgain(req, res, { entity, id }, { typed, version }, error);
    } else if (error instanceof NotFound) await gone(req, res, { entity, id }, typed);
    else throw error;
  }
}

/** Shows the form again after a refused save, with the typed values and the errors. */
async function editAgain(
  req: Request,
  res: Response,
  { entity, id }: { entity: Entity; id: number },
  { typed, version }: { typed: TypedRow; version: number },
  error: Invalid | Conflict,
) {
  const row = await readOne(req.here, { entity: entity.name, id });
  if (!row) return gone(req, res, { entity, id }, typed);
  res.status(error.status);
  const said =
    error instanceof Invalid ? { errors: error.fields } : { errors: {}, notice: error.message };
  const { opened } = typed;
  const content = await asTyped(req.here, entity, typed);
  await editPage(req, res, entity, row, { content, opened, version, ...said });
}

/**
 * Tells the user that the row was deleted while the form was open, and offers to save the typed
 * values as a new row.
 */
async function gone(
  req: Request,
  res: Response,
  { entity, id }: { entity: Entity; id: number },
  typed: TypedRow,
) {
  const notice = `${entity.label.one} ${id} was deleted while you were editing. What you typed is here: save it as a new ${entity.label.one.toLowerCase()}, or discard it.`;
  res.status(409);
  const content = await asTyped(req.here, entity, typed);
  await newPage(req, res, entity, { content, errors: {}, notice, key: uuid() });
}

/**
 * Returns the URL to open after a save: *Save* stays on the row, *Save and close* goes to the list
 * or the parent row, *Save and add another* opens an empty form with the same parent row.
 */
function nextAddress(req: Request, entity: Entity, id: number, content: Content): string {
  const owner = ownerOf(entity, content);
  const above = owner ? `/catalog/${owner.entity}/${owner.id}` : `/catalog/${entity.name}`;
  switch (req.form.text('then')) {
    case 'close':
      return localPath(req.form.text('return'), above);
    case 'another':
      return `/catalog/${entity.name}/new${owner ? `?${entity.owner}=${owner.id}` : ''}`;
    case 'transfer':
      return `/catalog/${entity.name}/${id}#transfer`;
    default:
      return `/catalog/${entity.name}/${id}`;
  }
}

/**
 * Saves the values chosen on the conflict page: for each field, the value of this user or the value
 * of the other user.
 */
export async function resolve(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const { mine, fields, version } = conflictIn(req.form.raw('payload'));
  const opened = await edits.contentAt(req.here, { entity: entity.name, id }, version);
  const isTheirs = (name: string) =>
    fields.includes(name) && req.form.text(`choice_${name}`) === 'theirs';
  const chosen = Object.entries(mine).filter(([name]) => !isTheirs(name));
  const typed = retyped(entity, Object.fromEntries(chosen), opened);
  try {
    const content = contentOf(entity, typed);
    const writes = writesOf(req);
    await edits.save(writes, authorOf(req), { entity, id }, content, version);
    writes.saved('Your choices are saved.');
    res.redirect(303, `/catalog/${entity.name}/${id}`);
  } catch (error) {
    if (error instanceof edits.EditConflict) await showConflict(req, res, entity, id, error);
    else if (error instanceof Conflict || error instanceof Invalid) {
      await editAgain(req, res, { entity, id }, { typed, version }, error);
    } else if (error instanceof NotFound) await gone(req, res, { entity, id }, typed);
    else throw error;
  }
}

export async function showDeletion(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const found = await deletion(req.here, entity, id);
  const title = titleOf(entity, found.row);
  await page(req, res, 'catalog-pages/deletion', {
    title: `Delete ${title}`,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: title, href: `/catalog/${entity.name}/${id}` },
      { text: 'Delete' },
    ],
    entity,
    row: found.row,
    name: title,
    seen: found.seen,
    usedBy: found.usedBy.map(named),
    alongside: found.dependents.map(named),
    deleteLabel: deleteLabel(entity, found.dependents),
  });
}

const named = ({ entity, row }: { entity: Entity; row: Row }) => ({
  label: entity.label.one,
  title: titleOf(entity, row),
  href: `/catalog/${entity.name}/${row.id}`,
});

/** The label of the delete button: `Delete form and 4 form fields` */
function deleteLabel({ label }: Entity, dependents: { entity: Entity }[]): string {
  const [first] = dependents;
  const more = first ? ` and ${plural(dependents.length, first.entity.label)}` : '';
  return `Delete ${lowerFirst(label.one)}${more}`;
}

export async function remove(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const shown = req.form.text('seen');
  const writes = writesOf(req);
  if ((await removeRow(writes, authorOf(req), entity, id, shown)) === 'changed since') {
    flash(req, 'This row has changed. Review it again.');
    return res.redirect(303, `/catalog/${entity.name}/${id}/deletion`);
  }
  writes.saved(`${entity.label.one} deleted here. Other environments keep it.`);
  res.redirect(303, `/catalog/${entity.name}`);
}
