// Checks that need the database: references exist, names are known, unique values are free.
import { isSameValue } from '../catalog/content.ts';
import {
  fieldEntries,
  labelOf,
  linksIn,
  linksOf,
  referencesOf,
  type Content,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { idsByName } from '../rows/names.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { deletion } from './deletions.ts';
import { rowsWithUniqueValue } from '../rows/store.ts';

/**
 * Checks the fields that differ from the row `before`.
 * @throws Invalid with one message for each field that does not fit
 */
export async function check(
  here: Environment,
  entity: Entity,
  before: Row | null,
  content: Content,
) {
  const errors: FieldErrors = {};
  const id = before?.id ?? null;
  const isSame = (field: string) => before !== null && isSameValue(content[field], before[field]);
  for (const { field, to } of referencesOf(entity)) {
    const target = content[field];
    if (isSame(field)) continue;
    if (typeof target === 'number' && !(await read(here, [{ entity: to, id: target }])).size) {
      errors[field] =
        `Choose ${labelOf(entity, field).toLowerCase()} from the list: there is no ${entityNamed(to).label.one.toLowerCase()} ${target}`;
    }
  }
  for (const [field, { unique }] of fieldEntries(entity)) {
    if (unique && !isSame(field)) {
      const value = textOf(content[field]);
      const holder = (await rowsWithUniqueValue(here, entity, field, [value])).find(
        (one) => one.id !== id,
      );
      if (holder) {
        errors[field] =
          `${labelOf(entity, field)} must be different from the ${labelOf(entity, field).toLowerCase()} of ${entity.label.one.toLowerCase()} ${holder.id}`;
      }
    }
  }
  Object.assign(errors, await unknownNames(here, entity, content, isSame));
  if (entity.isMatchedByName && id !== null && !isSame('name')) {
    Object.assign(errors, await renameError(here, entity, id));
  }
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
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
      const known = await idsByName(here.sql, part.entity, names);
      const unknown = names.find((one) => !known.has(one));
      if (unknown !== undefined) {
        const kind = lowerFirst(entityNamed(part.entity).label.one);
        errors[field] ??= `Choose a ${kind} from the list: “${unknown}” is not one`;
      }
    }
  }
  return errors;
}

/** Other environments match such rows by name, and rows linked with them contain the name. */
async function renameError(here: Environment, entity: Entity, id: number): Promise<FieldErrors> {
  const { usedBy } = await deletion(here, entity, id);
  return usedBy.length > 0
    ? {
        name: `The name is what other environments know it by, and ${usedBy.length} rows use it. Add a new ${entity.label.one.toLowerCase()} instead, or map the name on the Name mappings page.`,
      }
    : {};
}
