// The values with which the form of a new row opens: initial values, references from the URL, or a copy of another row.
import type { Request } from 'express';
import {
  fieldEntries,
  initialContent,
  titleOf,
  type Content,
  type Draft,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import { dependentsOf } from '../catalog/family.ts';
import { isSecret } from '../catalog/secret.ts';
import { inOrder, nextOrder, siblingsOf } from '../editing/order.ts';
import { NotFound } from '../problems.ts';
import { readBy, readOne } from '../rows/store.ts';
import { lowerFirst, plural } from '../web/format.ts';
import { numberOrNull, textIn } from '../web/request.ts';
import { newChild } from './arrange.ts';
import type { Typed } from './form-page.ts';
import { MOST_CHILDREN, type ShownChild } from './typed-family.ts';

/**
 * Returns the values of a new row: in the URL, `?form=12` fills in a reference to form 12, and `?from=12` copies the
 * values of row 12 and its dependent rows. Nothing is stored until the user saves.
 */
export async function startingForm(
  req: Request,
  entity: Entity,
): Promise<Pick<Typed, 'content' | 'children' | 'isUnsaved'> & { copyNote?: string }> {
  const from = numberOrNull(textIn(req.query, 'from'));
  if (from !== null) return copyOf(req, entity, from);
  return { content: await withOrder(req, entity, startingContent(entity, req.query)) };
}

/** Returns the initial values of a new row, with references from the URL. */
function startingContent(entity: Entity, query: Request['query']): Content {
  const content: Draft<Content> = initialContent(entity);
  for (const [name, field] of fieldEntries(entity)) {
    const given = field.to ? numberOrNull(textIn(query, name)) : null;
    if (given !== null) content[name] = given;
  }
  return content;
}

async function withOrder({ here }: Request, entity: Entity, content: Content): Promise<Content> {
  if (!entity.order) return content;
  const siblings = await siblingsOf(here, entity, content);
  return { ...content, [entity.order]: nextOrder(entity, siblings) };
}

async function copyOf(req: Request, entity: Entity, id: number) {
  const row = await readOne(req.here, { entity: entity.name, id });
  if (!row) throw new NotFound(`There is no ${lowerFirst(entity.label.one)} ${id} to duplicate.`);
  const children: ShownChild[] = [];
  const leftOut: string[] = [];
  for (const child of dependentsOf(entity)) {
    const rows = await readBy(req.here, child, child.owner ?? '', [id]);
    if (rows.length > MOST_CHILDREN) {
      leftOut.push(
        `Of its ${plural(rows.length, child.label)}, only the first ${MOST_CHILDREN} are copied.`,
      );
    }
    for (const own of inOrder(child, rows, (one) => one).slice(0, MOST_CHILDREN)) {
      children.push(newChild(child, children, { ...copied(child, own), [child.owner ?? '']: 0 }));
    }
  }
  const content = await withOrder(req, entity, copied(entity, row));
  const note = `A copy of “${titleOf(entity, row)}”. Nothing is stored until you save it. Names that must be different are empty.`;
  return { content, children, isUnsaved: true, copyNote: [note, ...leftOut].join(' ') };
}

/** Copies the values of a row, without secrets and without values that only one row may have. */
function copied(entity: Entity, row: Row): Content {
  const initial = initialContent(entity);
  return Object.fromEntries(
    fieldEntries(entity).map(([name, field]) => [
      name,
      (field.unique || isSecret(field) ? initial[name] : (row[name] ?? initial[name])) ?? null,
    ]),
  );
}
