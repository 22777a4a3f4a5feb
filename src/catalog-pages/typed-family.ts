// Parses the posted form of a row with its dependent rows. The inputs of a dependent row have names with a prefix:
// `form_field.12.label` is a field of a stored row, and `form_field.n1.label` is a field of a row that the user adds.
import { fieldEntries, type Content, type Entity } from '../catalog/entity.ts';
import { dependentsOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import type { ChildEdit } from '../editing/children.ts';
import { Findings } from '../editing/findings.ts';
import { contentAt } from '../editing/planned-save.ts';
import type { Environment } from '../environments/environment.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { Invalid } from '../problems.ts';
import type { Form } from '../web/form/form.ts';
import { numberOrNull } from '../web/request.ts';
import { asTyped, contentOf, readTyped, type TypedRow } from './typed-row.ts';

/** The most dependent rows of one entity that are edited on the page of their parent row. */
export const MOST_CHILDREN = 200;

/** The most dependent rows of one entity that are read from a posted form. */
const MOST_READ = 5 * MOST_CHILDREN;

const tooMany = ({ name, label }: Entity) =>
  new Invalid({
    [name]: `This page can have ${MOST_CHILDREN} ${lowerFirst(label.many)} at most. Add the others on pages of their own`,
  });

/** A dependent row as the user typed it. */
export type TypedChild = {
  /** The prefix of its inputs: `form_field.12.` */
  ref: string;
  entity: Entity;
  /** The id of the stored row; null if saving the form adds the row. */
  id: number | null;
  version: number;
  isRemoved: boolean;
  typed: TypedRow;
};

export type TypedFamily = { own: TypedRow; children: TypedChild[] };

/** A dependent row as the form shows it. */
export type ShownChild = Omit<TypedChild, 'typed'> & {
  content: Content;
  /** The content with which the form was opened; null for a row to add. */
  opened: Content | null;
};

/** Reads the posted form of a row; `parent` is the id of the row, or null for a new row. */
export async function readFamily(
  here: Environment,
  entity: Entity,
  form: Form,
  opened: Content | null,
  parent: number | null,
): Promise<TypedFamily> {
  const own = await readTyped(here, entity, form, opened);
  const children: TypedChild[] = [];
  for (const child of dependentsOf(entity)) {
    const refs = refsIn(form, child);
    if (refs.length > MOST_READ) throw tooMany(child);
    for (const ref of refs) children.push(await readChild(here, child, form, ref, parent));
  }
  return { own, children };
}

function refsIn(form: Form, { name }: Entity): string[] {
  const known = new RegExp(`^${name}\\.(?:n\\d{1,6}|\\d{1,15})\\.`);
  return [...new Set(form.entries.flatMap(([own]) => known.exec(own)?.[0] ?? []))];
}

async function readChild(
  here: Environment,
  entity: Entity,
  form: Form,
  ref: string,
  parent: number | null,
): Promise<TypedChild> {
  const own = form.within(ref);
  // If another user removed a row meanwhile, the form posts the row with its former id in the prefix and the mark
  // `_gone`. Such a row counts as a row to add.
  const id = own.text('_gone') === 'yes' ? null : numberOrNull(ref.split('.')[1]);
  const version = numberOrNull(own.text('_version')) ?? 0;
  const opened = id === null ? null : await contentAt(here, { entity: entity.name, id }, version);
  const fixed = { [entity.owner ?? '']: opened?.[entity.owner ?? ''] ?? parent ?? 0 };
  const typed = await readTyped(here, entity, own, opened, fixed);
  return { ref, entity, id, version, isRemoved: own.text('_removed') === 'yes', typed };
}

/**
 * Returns the contents of a posted form.
 * @throws Invalid with one message for each invalid field of all its rows
 */
export async function contentsOf(
  entity: Entity,
  { own, children }: TypedFamily,
): Promise<{ content: Content; children: ChildEdit[] }> {
  const found = new Findings();
  const content = await found.collect('', () => contentOf(entity, own));
  for (const [child, rows] of Map.groupBy(children, (one) => one.entity)) {
    await found.collect('', () => {
      if (rows.length > MOST_CHILDREN) throw tooMany(child);
    });
  }
  const edits: ChildEdit[] = [];
  for (const { typed, isRemoved, ...child } of children) {
    if (isRemoved && child.id === null) continue;
    const typedContent = isRemoved
      ? null
      : await found.collect(child.ref, () => contentOf(child.entity, typed));
    edits.push({ ...child, content: typedContent, isTouched: isTouched(child.entity, typed) });
  }
  found.refuse();
  return { content: content ?? {}, children: edits };
}

const isTouched = (entity: Entity, { kept }: TypedRow) =>
  fieldEntries(entity).some(([name]) => !Object.hasOwn(kept, name));

/** Returns the dependent rows that the form shows again. */
export const shownChildren = (here: Environment, children: TypedChild[]): Promise<ShownChild[]> =>
  Promise.all(
    children.map(async ({ typed, ...child }) => ({
      ...child,
      content: await asTyped(here, child.entity, typed),
      opened: typed.opened,
    })),
  );

/** The entity of a dependent row, from the prefix of its inputs. */
export const entityOfRef = (ref: string): Entity => entityNamed(ref.split('.')[0] ?? '');
