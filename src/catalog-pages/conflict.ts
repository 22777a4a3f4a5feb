// The page for an edit conflict, when two users changed the same field of a row: the page shows both values of each
// field, and the user chooses one.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { labelOf, titleOf, type Content, type Entity } from '../catalog/entity.ts';
import { dependentsOf } from '../catalog/family.ts';
import { contentAt, type EditConflict, type RowConflict } from '../editing/planned-save.ts';
import type { Environment } from '../environments/environment.ts';
import { Invalid } from '../problems.ts';
import { readOne } from '../rows/store.ts';
import { page } from '../web/pages.ts';
import { personName } from '../web/format.ts';
import { referencedTitles } from '../web/referenced-titles.ts';
import { entityOfRef, type TypedChild, type TypedFamily } from './typed-family.ts';
import { asTyped, retyped, type TypedRow } from './typed-row.ts';

type Target = { entity: Entity; id: number };

export async function showConflict(
  req: Request,
  res: Response,
  { entity, id }: Target,
  { family, version, key }: { family: TypedFamily; version: number; key: string },
  { conflicts }: EditConflict,
) {
  const row = await readOne(req.here, { entity: entity.name, id });
  const title = row ? titleOf(entity, row) : entity.label.one;
  const found = (ref: string) => conflicts.find((one) => one.ref === ref);
  const children = [];
  for (const { typed, entity: child, ...one } of family.children) {
    const mine = await touchedIn(req.here, child, typed);
    children.push({ ...one, ...kept(found(one.ref), { mine, version: one.version }) });
  }
  const mine = await touchedIn(req.here, entity, family.own);
  const fields = conflicts.flatMap(choicesOf);
  res.status(409);
  await page(req, res, 'catalog-pages/conflict', {
    title: `Error: ${title} was saved by someone else`,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: title, href: `/catalog/${entity.name}/${id}` },
    ],
    entity,
    id,
    by: [...new Set(conflicts.map(({ by }) => by))].join(' and '),
    fields,
    titles: await referencedTitles(req.here, fields),
    payload: JSON.stringify({ ...kept(found(''), { mine, version }), key, children }),
  });
}

/**
 * Returns the values of a row that the conflict page keeps in its hidden fields. A row in conflict gets the version
 * that is stored now, so that the next save does not meet the same conflict.
 */
const kept = (conflict: RowConflict | undefined, own: { mine: Content; version: number }) =>
  conflict
    ? { mine: conflict.mine, fields: conflict.fields, version: conflict.version }
    : { ...own, fields: [] };

/** Returns the values that the user typed or changed; secrets are encrypted. */
async function touchedIn(here: Environment, entity: Entity, typed: TypedRow): Promise<Content> {
  const content = await asTyped(here, entity, typed);
  return Object.fromEntries(
    Object.entries(content).filter(([name]) => !Object.hasOwn(typed.kept, name)),
  );
}

function choicesOf({ ref, entity, fields, theirs, mine, by }: RowConflict) {
  return fields.flatMap((name) => {
    const definition = entity.fields[name];
    if (!definition) return [];
    const label = labelOf(entity, name);
    return {
      name: `${ref}${name}`,
      label: ref === '' ? label : `${titleOf(entity, theirs)}: ${label}`,
      definition,
      values: { theirs: theirs[name], mine: mine[name] },
      choices: [
        { side: 'theirs', heading: `Saved by ${personName(by)}`, isChosen: false },
        { side: 'mine', heading: 'Typed by you', isChosen: true },
      ],
    };
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
const postedRow = z.object({
  mine: content,
  fields: z.array(z.string()),
  version: z.number().int(),
});
const postedChild = postedRow.extend({
  ref: z.string().regex(/^\w{1,64}\.n?\d{1,15}\.$/),
  id: z.number().int().nullable(),
  isRemoved: z.boolean(),
});
const conflictSchema = postedRow.extend({
  key: z.uuid(),
  children: z.array(postedChild).default([]).refine(areDistinct),
});
type Payload = z.infer<typeof conflictSchema>;

/** Whether each dependent row is in the form once, because a row cannot be changed twice in one save. */
function areDistinct(children: { ref: string; id: number | null }[]): boolean {
  const rows = children.map(({ ref, id }) => `${ref.split('.')[0]} ${id ?? ref}`);
  return new Set(rows).size === rows.length;
}

/**
 * Parses the hidden fields of the conflict page. Their values are checked, because a user can
 * change them in the browser.
 */
export function conflictIn(payload: string | undefined): Payload {
  try {
    return conflictSchema.parse(JSON.parse(payload ?? ''));
  } catch {
    throw new Invalid({ payload: 'This page is not complete. Open the row again.' });
  }
}

/** Returns the form that the user typed, with the values that the user chose on the conflict page. */
export async function retypedFamily(
  req: Request,
  { entity, id }: Target,
  { children, ...own }: Payload,
): Promise<TypedFamily> {
  const chosen = ({ mine, fields }: z.infer<typeof postedRow>, ref: string) =>
    Object.fromEntries(
      Object.entries(mine).filter(
        ([name]) => !fields.includes(name) || req.form.text(`choice_${ref}${name}`) !== 'theirs',
      ),
    );
  const opened = await contentAt(req.here, { entity: entity.name, id }, own.version);
  const rows: TypedChild[] = [];
  for (const { ref, id: childId, isRemoved, ...posted } of children) {
    const child = entityOfRef(ref);
    if (!dependentsOf(entity).includes(child)) continue;
    const { version } = posted;
    const key = { entity: child.name, id: childId ?? 0 };
    const before = childId === null ? null : await contentAt(req.here, key, version);
    const typed = retyped(child, chosen(posted, ref), before);
    const owner = child.owner ?? '';
    const fixed = { ...typed.kept, [owner]: before?.[owner] ?? id };
    rows.push({
      ref,
      entity: child,
      id: childId,
      version,
      isRemoved,
      typed: { ...typed, kept: fixed },
    });
  }
  return { own: retyped(entity, chosen(own, ''), opened), children: rows };
}
