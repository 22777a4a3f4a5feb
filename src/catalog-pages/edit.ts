// Adding, saving and deleting rows from the pages. Each handler parses, acts and answers.
import { v7 as uuid } from 'uuid';
import type { Request, Response } from 'express';
import {
  fieldEntries,
  labelOf,
  parseContent,
  titleOf,
  type Content,
  type Entity,
  type Draft,
  type Row,
} from '../catalog/entity.ts';
import { sealSecrets } from '../access/secret-fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { readOne } from '../rows/store.ts';
import { Conflict, Invalid, NotFound, type FieldErrors } from '../problems.ts';
import { deletion, remove as removeRow } from '../editing/deletions.ts';
import * as edits from '../editing/save.ts';
import type { WriteContext } from '../writing/write-here.ts';
import { keepImage } from '../storage/images.ts';
import { flash, page } from '../web/pages.ts';
import { addressed, authorOf, localPath } from '../web/request.ts';
import { lowerFirst, plural } from '../web/format.ts';
import { editPage, newPage, startingContent } from './row.ts';
import { ownerOf } from '../catalog/family.ts';
import { postedValues, typedValues } from './posted.ts';
import { showConflict, conflictIn, asPosted } from './conflict.ts';

const writeContextOf = ({ here }: Request): WriteContext => ({
  here,
  lease: here.settings.lease.milliseconds,
});

export async function showNew(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const content = startingContent(entity, req.query);
  await newPage(req, res, entity, { content, errors: {}, key: uuid() });
}

export async function add(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const key = req.form.text('idempotency_key') || uuid();
  try {
    const content = await posted(req, entity);
    const id = await edits.add(writeContextOf(req), authorOf(req), entity, content, key);
    flash(req, `${entity.label.one} added.`);
    res.redirect(303, nextAddress(req, entity, id, content));
  } catch (error) {
    const content = await asTyped(req, entity);
    if (error instanceof Invalid) {
      res.status(422);
      await newPage(req, res, entity, { content, errors: error.fields, key });
    } else if (error instanceof Conflict) {
      res.status(409);
      // The refusal is journaled under the old key, so another attempt needs a new one.
      const typed = { content, errors: {}, notice: error.message, key: uuid() };
      await newPage(req, res, entity, typed);
    } else throw error;
  }
}

export async function save(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const version = Number(req.form.text('version'));
  try {
    const content = await posted(req, entity);
    const changed = await edits.save(
      writeContextOf(req),
      authorOf(req),
      { entity, id },
      content,
      version,
    );
    flash(
      req,
      changed.length > 0
        ? `${entity.label.one} saved.`
        : 'There was nothing to save: every value is the same.',
    );
    res.redirect(303, nextAddress(req, entity, id, content));
  } catch (error) {
    if (error instanceof edits.EditConflict) await showConflict(req, res, entity, id, error);
    else if (error instanceof Invalid || error instanceof Conflict) {
      await editAgain(
        req,
        res,
        { entity, id },
        { content: await asTyped(req, entity), version },
        error,
      );
    } else if (error instanceof NotFound) await gone(req, res, entity, id);
    else throw error;
  }
}

/** Shows the form again with what was typed and the errors. */
async function editAgain(
  req: Request,
  res: Response,
  { entity, id }: { entity: Entity; id: number },
  typed: { content: Content; version: number },
  error: Invalid | Conflict,
) {
  const row = await readOne(req.here, { entity: entity.name, id });
  if (!row) return gone(req, res, entity, id);
  res.status(error.status);
  const said =
    error instanceof Invalid ? { errors: error.fields } : { errors: {}, notice: error.message };
  await editPage(req, res, entity, row, { ...typed, ...said });
}

/** The row was deleted meanwhile: offers to save what was typed as a new row. */
async function gone(req: Request, res: Response, entity: Entity, id: number) {
  const notice = `${entity.label.one} ${id} was deleted while you were editing. What you typed is here: save it as a new ${entity.label.one.toLowerCase()}, or discard it.`;
  res.status(409);
  const typed = { content: await asTyped(req, entity), errors: {}, key: uuid() };
  await newPage(req, res, entity, { ...typed, notice });
}

/**
 * *Save* stays on the row, *Save and close* goes to the list or the owner, *Save and add another* opens an
 * empty form with the same owner.
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

/** Parses a posted form; uploaded images are stored first and named by content. */
async function posted(req: Request, entity: Entity): Promise<Content> {
  const body: Record<string, unknown> = postedValues(entity, req.form);
  const errors: FieldErrors = {};
  for (const { field, content } of req.form.files) {
    if (entity.fields[field]?.kind === 'image') {
      try {
        body[field] = await keepImage(req.here.storage, field, content);
      } catch (error) {
        if (!(error instanceof Invalid)) throw error;
        Object.assign(errors, error.fields);
      }
    }
  }
  for (const [name, { kind }] of fieldEntries(entity)) {
    if (kind === 'image' && req.form.text(`${name}_removed`) === 'yes') body[name] = '';
  }
  try {
    const content = parseContent(entity, body);
    if (Object.keys(errors).length === 0) return content;
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    Object.assign(errors, error.fields);
  }
  throw new Invalid(errors);
}

/** The typed values, unparsed where they do not fit, so that nothing is lost. */
async function asTyped(req: Request, entity: Entity): Promise<Content> {
  const body: Record<string, unknown> = typedValues(entity, req.form);
  const typed = Object.fromEntries(
    fieldEntries(entity).map(([name, field]) => {
      const one = field.schema(labelOf(entity, name)).safeParse(body[name]);
      return [name, one.success ? one.data : ((body[name] ?? field.initial) as never)];
    }),
  );
  // What cannot be sealed is not shown either: it is typed again.
  return sealSecrets(req.here, entity, typed, null).catch(() => typed);
}

/** Saves the choices of the conflict page: theirs or mine for each field. */
export async function resolve(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const { theirs, mine, merged, fields, version } = conflictIn(req.form.raw('payload'));
  const content: Draft<Content> = {};
  for (const [name, field] of fieldEntries(entity)) {
    const side = req.form.text(`choice_${name}`) === 'theirs' ? theirs : mine;
    content[name] = (fields.includes(name) ? side[name] : merged[name]) ?? field.initial;
  }
  const checked = parseContent(entity, asPosted(entity, content));
  try {
    await edits.save(writeContextOf(req), authorOf(req), { entity, id }, checked, version);
    flash(req, 'Your choices are saved.');
    res.redirect(303, `/catalog/${entity.name}/${id}`);
  } catch (error) {
    if (error instanceof edits.EditConflict) await showConflict(req, res, entity, id, error);
    else if (error instanceof Conflict || error instanceof Invalid) {
      await editAgain(req, res, { entity, id }, { content: checked, version }, error);
    } else throw error;
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

/** `Delete form and 4 form fields` */
function deleteLabel({ label }: Entity, dependents: { entity: Entity }[]): string {
  const [first] = dependents;
  const more = first ? ` and ${plural(dependents.length, first.entity.label)}` : '';
  return `Delete ${lowerFirst(label.one)}${more}`;
}

export async function remove(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const shown = req.form.text('seen');
  if (
    (await removeRow(writeContextOf(req), authorOf(req), entity, id, shown)) === 'changed since'
  ) {
    flash(req, 'This row has changed. Review it again.');
    return res.redirect(303, `/catalog/${entity.name}/${id}/deletion`);
  }
  flash(req, `${entity.label.one} deleted here. Other environments keep it.`);
  res.redirect(303, `/catalog/${entity.name}`);
}
