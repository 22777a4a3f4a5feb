// Checks a posted row against the database: whether referenced rows exist, linked names are known, and unique values
// are free.
import { isSameValue } from '../catalog/content.ts';
import {
  fieldEntries,
  labelOf,
  linksIn,
  linksOf,
  referencesOf,
  type Content,
  type Draft,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { linkOf, sortLinks } from '../catalog/links.ts';
import { storedSpellings } from '../rows/names.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { deletion } from './deletions.ts';
import { rowsWithUniqueValue } from '../rows/store.ts';
import { siblingsOf, tiedOrders } from './order.ts';

/**
 * Replaces linked names by their stored spelling: ＰＵＮＥ becomes Pune, if exactly one row has that
 * name.
 */
export async function withStoredNames(
  here: Environment,
  entity: Entity,
  content: Content,
): Promise<Content> {
  const stored: Draft<Content> = { ...content };
  for (const { field, links } of linksOf(entity)) {
    const known = new Map<string, Map<string, string>>();
    for (const part of links.parts) {
      const names = linksIn(content, field).flatMap((link) => link[part.name] ?? []);
      known.set(part.name, await storedSpellings(here.sql, part.entity, names));
    }
    const spelled = linksIn(content, field).map((link) =>
      linkOf(links.parts, ({ name }) => {
        const typed = link[name]?.normalize('NFC') ?? null;
        return typed === null ? null : (known.get(name)?.get(typed) ?? typed);
      }),
    );
    if (content[field] !== undefined) stored[field] = sortLinks(links, spelled);
  }
  return stored;
}

/**
 * Checks the fields whose posted values differ from the stored row `before`. `settled`: fields that
 * the caller has checked, such as the order of a row that is saved together with its siblings.
 * @throws Invalid with one message for each invalid field
 */
export async function check(
  here: Environment,
  entity: Entity,
  before: Row | null,
  content: Content,
  settled: readonly string[] = [],
) {
  const id = before?.id ?? null;
  const isSame = (field: string) =>
    settled.includes(field) || (before !== null && isSameValue(content[field], before[field]));
  const errors = await missingReferences(here, entity, content, isSame);
  for (const [field, { unique }] of fieldEntries(entity)) {
    if (unique && !isSame(field)) {
      const value = textOf(content[field]);
      const holders = await rowsWithUniqueValue(here, entity, field, [value]);
      // In earlier versions, two rows could have names that count as equal. Such a row can still be saved, unless its
      // new name is exactly that of the other row.
      const isOwnName = holders.some((one) => one.id === id);
      const holder = holders.find((one) => one.id !== id && (one.isExact || !isOwnName));
      if (holder) {
        errors[field] =
          `${labelOf(entity, field)} must be different from the ${labelOf(entity, field).toLowerCase()} of ${entity.label.one.toLowerCase()} ${holder.id}`;
      }
    }
  }
  if (entity.owner && entity.order && !(isSame(entity.order) && isSame(entity.owner))) {
    const siblings = await siblingsOf(here, entity, content);
    const others = siblings
      .filter((one) => one.id !== id)
      .map((one) => ({ ref: '', content: one }));
    const tied = tiedOrders(entity, [...others, { ref: 'own', content, isNew: true }]).get('own');
    if (tied !== undefined) errors[entity.order] = tied;
  }
  Object.assign(errors, await unknownNames(here, entity, content, isSame));
  if (entity.isMatchedByName && id !== null && !isSame('name')) {
    Object.assign(errors, await renameError(here, entity, id));
  }
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
}

/** Returns a message for each reference to a row that does not exist. */
export async function missingReferences(
  here: Environment,
  entity: Entity,
  content: Content,
  isSame: (field: string) => boolean = () => false,
): Promise<FieldErrors> {
  const errors: FieldErrors = {};
  for (const { field, to } of referencesOf(entity)) {
    const target = content[field];
    if (isSame(field)) continue;
    if (typeof target === 'number' && !(await read(here, [{ entity: to, id: target }])).size) {
      errors[field] =
        `Choose ${labelOf(entity, field).toLowerCase()} from the list: there is no ${entityNamed(to).label.one.toLowerCase()} ${target}`;
    }
  }
  return errors;
}

async function unknownNames(
  here: Environment,
  entity: Entity,
  content: Content,
  isSame: (field: string) => boolean,
): Promise<FieldErrors> {
  const errors: FieldErrors = {};
  for (const { field, links } of linksOf(entity)) {
    if (isSame(field)) continue;
    for (const part of links.parts) {
      const names = linksIn(content, field).flatMap((link) => link[part.name] ?? []);
      const known = await storedSpellings(here.sql, part.entity, names);
      const unknown = names.find((one) => known.get(one) !== one);
      if (unknown !== undefined) {
        const kind = lowerFirst(entityNamed(part.entity).label.one);
        errors[field] ??= `Choose a ${kind} from the list: “${unknown}” is not one`;
      }
    }
    const targets = linksIn(content, field).map((link) => link[links.target.name]);
    const twice = targets.find((one, index) => targets.indexOf(one) !== index);
    if (twice) errors[field] ??= `${twice} is listed twice. Keep one line for it.`;
  }
  return errors;
}

/**
 * Returns an error for the field `name` when a row cannot be renamed. Other environments find such
 * a row by name, and rows linked with it store its name.
 */
async function renameError(here: Environment, entity: Entity, id: number): Promise<FieldErrors> {
  const { usedBy } = await deletion(here, entity, id);
  return usedBy.length > 0
    ? {
        name: `The name is what other environments know it by, and ${usedBy.length} rows use it. Add a new ${entity.label.one.toLowerCase()} instead, or map the name on the Name mappings page.`,
      }
    : {};
}
