// Converts the posted form of a row to the input that the schemas of its fields expect: a text, a list of texts, or
// lines of links.
import { fieldEntries, labelOf, type Content, type Entity } from '../catalog/entity.ts';
import type { Field, Link, Links } from '../catalog/fields.ts';
import { isSecret, sealedParts } from '../catalog/secret.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import type { Form } from '../web/form/form.ts';
import { postedInstant } from '../web/posted-instant.ts';

type Posted = string | string[] | Link[] | null | undefined;

/** The most lines of links that a form can have. */
const MOST_LINES = 5000;

type PostedFields = { values: Record<string, Posted>; errors: FieldErrors };

/**
 * Returns the posted values by field; a field that was not posted is missing. A field with more lines than the limit
 * gets an error, and so does a time that does not exist or exists twice in its time zone because the clocks change.
 * `opened`: the content that the form showed.
 */
export function postedFields(entity: Entity, form: Form, opened: Content | null): PostedFields {
  const found: PostedFields = { values: {}, errors: {} };
  for (const [name, field] of fieldEntries(entity)) {
    try {
      found.values[name] =
        field.kind === 'instant'
          ? postedInstant({ name, label: labelOf(entity, name) }, form, opened?.[name])
          : postedValue(name, field, form);
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      Object.assign(found.errors, error.fields);
      found.values[name] = field.links
        ? form.typedLines(name, partsOf(field.links))
        : form.raw(name);
    }
  }
  return found;
}

const partsOf = ({ parts }: Links) => parts.map(({ name }) => name);

function postedValue(name: string, field: Field, form: Form): Posted {
  if (field.links) {
    const lines = form.lines(name, partsOf(field.links), MOST_LINES);
    return form.under(name).length === 0 ? undefined : lines;
  }
  if (field.kind === 'flag') return form.texts(name);
  if (isSecret(field)) return postedSecret(name, form);
  if (field.kind !== 'list') return form.raw(name);
  const texts = form.texts(name);
  return texts.length > 1 ? texts : texts[0];
}

/**
 * Returns the posted value of a secret: null if the user removes the secret; the encrypted text if the user typed the
 * secret in an earlier post, which was refused because of another field.
 */
function postedSecret(name: string, form: Form): string | null | undefined {
  const before = form.text(`${name}_typed`);
  if (form.text(name) !== '') return form.raw(name);
  if (form.text(`${name}_removed`) === 'yes') return null;
  return sealedParts(before) ? before : form.raw(name);
}
