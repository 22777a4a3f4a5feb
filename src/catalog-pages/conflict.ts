// The page for an edit conflict, when two users changed the same field of a row: the page shows both values of each
// field, and the user chooses one.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { labelOf, titleOf, type Content, type Entity } from '../catalog/entity.ts';
import { Invalid } from '../problems.ts';
import * as edits from '../editing/save.ts';
import { page } from '../web/pages.ts';
import { formatValue } from '../web/format.ts';

export async function showConflict(
  req: Request,
  res: Response,
  entity: Entity,
  id: number,
  { conflict }: edits.EditConflict,
) {
  const fields = conflict.fields.map((name) => {
    const field = entity.fields[name];
    const text = (value: Content[string] | undefined) => (field ? formatValue(field, value) : '');
    const saved = {
      side: 'theirs',
      heading: `Saved by ${conflict.by}`,
      text: text(conflict.theirs[name]),
      isChosen: false,
    };
    const typed = {
      side: 'mine',
      heading: 'Typed by you',
      text: text(conflict.mine[name]),
      isChosen: true,
    };
    return { name, label: labelOf(entity, name), choices: [saved, typed] };
  });
  res.status(409);
  await page(req, res, 'catalog-pages/conflict', {
    title: `Error: ${titleOf(entity, conflict.theirs)} was saved by someone else`,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: titleOf(entity, conflict.theirs), href: `/catalog/${entity.name}/${id}` },
    ],
    entity,
    id,
    by: conflict.by,
    fields,
    payload: JSON.stringify({
      mine: conflict.mine,
      fields: conflict.fields,
      version: conflict.version,
    }),
  });
}

const value = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.string()),
  z.array(z.record(z.string(), z.string().nullable())),
]);

const content = z.record(z.string(), value);

const conflictSchema = z.object({
  mine: content,
  fields: z.array(z.string()),
  version: z.number().int(),
});

/**
 * Parses the hidden fields of the conflict page. Their values are checked, because a user can
 * change them in the browser.
 */
export function conflictIn(payload: string | undefined): z.infer<typeof conflictSchema> {
  try {
    return conflictSchema.parse(JSON.parse(payload ?? ''));
  } catch {
    throw new Invalid({ payload: 'This page is not complete. Open the row again.' });
  }
}
