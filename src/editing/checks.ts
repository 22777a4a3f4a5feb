// Checks that need the database: references exist, names are known, unique values are free.
import { contentOf } from '../catalog/content.ts';
import {
  fieldEntries,
  labelOf,
  referencesOf,
  type Content,
  type Entity,
} from '../catalog/entity.ts';
import { textOf, type Link } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { idsByName } from '../rows/names.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { deletion } from './deletions.ts';
import { rowsWithUniqueValue } from '../rows/store.ts';

/** @throws Invalid with one message for each field that does not fit */
export async function check(
  here: Environment,
  entity: Entity,
  id: number | null,
  content: Content,
) {
  const errors: FieldErrors = {};
  for (const { field, to } of referencesOf(entity)) {
    const target = content[field];
    if (typeof target === 'number' && !(await read(here, [{ entity: to, id: target }])).size) {
      errors[field] =
        `Choose ${labelOf(entity, field).toLowerCase()} from the list: there is no ${entityNamed(to).label.one.toLowerCase()} ${target}`;
    }
  }
  for (const [field, { unique, through }] of fieldEntries(entity)) {
    if (unique) {
      const value = textOf(content[field]);
      const holder = (await rowsWithUniqueValue(here, entity, field, [value])).find(
        (one) => one.id !== id,
      );
      if (holder) {
        errors[field] =
          `${labelOf(entity, field)} must be different from the ${labelOf(entity, field).toLowerCase()} of ${entity.label.one.toLowerCase()} ${holder.id}`;
      }
    }
    if (through) {
      const unknown = await unknownNames(here, (content[field] ?? []) as Link[]);
      if (unknown)
        errors[field] = `Choose a ${unknown.kind} from the list: “${unknown.name}” is not one`;
    }
  }
  if (entity.isMatchedByName && id !== null) {
    Object.assign(errors, await renameError(here, entity, id, content));
  }
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
}

async function unknownNames(here: Environment, links: Link[]) {
  for (const [kind, names] of [
    ['city', links.map((link) => link.city)],
    ['partner', links.flatMap((link) => link.partner ?? [])],
  ] as const) {
    const known = await idsByName(here.sql, kind, names);
    const unknown = names.find((one) => !known.has(one));
    if (unknown !== undefined) return { kind, name: unknown };
  }
  return null;
}

/** Other environments match cities and partners by name, and rows contain the name. */
async function renameError(here: Environment, entity: Entity, id: number, content: Content) {
  const { row, usedBy } = await deletion(here, entity, id);
  const isRenamed = contentOf(entity, row)['name'] !== content['name'];
  return isRenamed && usedBy.length > 0
    ? {
        name: `The name is what other environments know it by, and ${usedBy.length} rows use it. Add a new ${entity.label.one.toLowerCase()} instead, or map the name on the Names page.`,
      }
    : {};
}
