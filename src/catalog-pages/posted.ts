// What a row's form posted, for the schemas of its fields: a text, a list of texts, or lines of links.
import { fieldEntries, type Entity } from '../catalog/entity.ts';
import type { Field, Link } from '../catalog/fields.ts';
import { isSecret, sealedParts } from '../catalog/secret.ts';
import { Invalid } from '../problems.ts';
import type { Form } from '../web/form/form.ts';

type Posted = string | string[] | Link[] | null | undefined;

/** Lines of links that a form can hold. */
const MOST_LINES = 5000;

/**
 * By field; what the form does not have is missing.
 * @throws Invalid for lines that the form cannot show
 */
export const postedValues = (entity: Entity, form: Form): Record<string, Posted> =>
  Object.fromEntries(
    fieldEntries(entity).map(([name, field]) => [name, postedValue(name, field, form)]),
  );

/** The same for showing the form again: lines that do not fit are left out. */
export const typedValues = (entity: Entity, form: Form): Record<string, Posted> =>
  Object.fromEntries(
    fieldEntries(entity).map(([name, field]) => [name, typedValue(name, field, form)]),
  );

function typedValue(name: string, field: Field, form: Form): Posted {
  try {
    return postedValue(name, field, form);
  } catch (error) {
    if (error instanceof Invalid) return undefined;
    throw error;
  }
}

function postedValue(name: string, field: Field, form: Form): Posted {
  if (field.links) {
    const parts = field.links.parts.map((part) => part.name);
    return form.lines(name, parts, MOST_LINES);
  }
  if (field.kind === 'flag') return form.texts(name);
  if (isSecret(field)) return postedSecret(name, form);
  if (field.kind !== 'list') return form.raw(name);
  const texts = form.texts(name);
  return texts.length > 1 ? texts : texts[0];
}

/** Null for one to remove; the sealed text for one typed before an error of another field. */
function postedSecret(name: string, form: Form): string | null | undefined {
  const before = form.text(`${name}_typed`);
  if (form.text(name) !== '') return form.raw(name);
  if (form.text(`${name}_removed`) === 'yes') return null;
  return sealedParts(before) ? before : form.raw(name);
}
