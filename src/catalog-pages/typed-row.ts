// Parses the posted form of a row: into its content if every field is valid, otherwise into the values that the form
// shows again.
import { sealSecrets } from '../access/secret-fields.ts';
import {
  fieldEntries,
  labelOf,
  parseContent,
  shownName,
  untouchedContent,
  type Content,
  type Entity,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { textOf, type Field, type Link, type Value } from '../catalog/fields.ts';
import { isSecret, secretsOf } from '../catalog/secret.ts';
import { misfitsOf } from '../catalog/misfits.ts';
import { linksOfValue } from '../catalog/shown-text.ts';
import type { Environment } from '../environments/environment.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { pickedRow } from '../rows/picked.ts';
import { hasImage, keepImage } from '../storage/images.ts';
import type { Form } from '../web/form/form.ts';
import { postedFields } from './posted.ts';

type Body = Record<string, unknown>;

export type TypedRow = {
  body: Body;
  /**
   * Errors that the schemas of the fields cannot find: in images, in pickers (inputs with
   * suggestions), and too many lines.
   */
  errors: FieldErrors;
  /** The content that the form was opened with; null for a new row. */
  opened: Content | null;
  /** The stored values of the fields that the user did not touch. */
  kept: Content;
};

/**
 * Reads the posted form of a row, stores its uploaded images, and finds the rows that the user
 * named in pickers. `fixed`: values of fields that the form does not show, such as the parent of a
 * dependent row.
 */
export async function readTyped(
  here: Environment,
  entity: Entity,
  form: Form,
  opened: Content | null,
  fixed: Content = {},
): Promise<TypedRow> {
  const posted = postedFields(entity, form, opened);
  const images = await keptImages(here, entity, form, opened);
  const body = { ...posted.values, ...images.names };
  const untouched = opened ? keptContent(entity, form, body, opened) : {};
  const kept = { ...untouched, ...fixed };
  const picked = await pickedIds(here, entity, body, kept);
  return {
    body: { ...body, ...picked.ids },
    errors: { ...posted.errors, ...images.errors, ...picked.errors },
    opened,
    kept,
  };
}

function keptContent(entity: Entity, form: Form, body: Body, opened: Content): Content {
  const shown = (name: string) => form.raw(shownName(name));
  const unshown = new Set(misfitsOf(opened).map(({ field }) => field));
  const kept = Object.entries(untouchedContent(entity, body, opened, shown));
  // A stored value of a wrong type is missing in `opened` and cannot be kept, so the posted value replaces it.
  return Object.fromEntries(
    kept.filter(([name]) => opened[name] !== undefined || !unshown.has(name)),
  );
}

async function keptImages(here: Environment, entity: Entity, form: Form, opened: Content | null) {
  const names: Record<string, string> = {};
  const errors: FieldErrors = {};
  for (const [name, { kind }] of fieldEntries(entity)) {
    if (kind !== 'image') continue;
    if (form.text(`${name}_removed`) === 'yes') names[name] = '';
    // After an error in another field, the form posts the image by its name, because the first post
    // has stored the image.
    const posted = form.text(name);
    const isKnown = posted === '' || posted === textOf(opened?.[name]);
    if (!isKnown && names[name] === undefined && !(await hasImage(here.storage, posted))) {
      names[name] = '';
      errors[name] = 'This image is not here any more. Choose it again';
    }
  }
  for (const { field, content } of form.files) {
    if (entity.fields[field]?.kind !== 'image') continue;
    try {
      names[field] ||= await keepImage(here.storage, field, content);
      delete errors[field];
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      Object.assign(errors, error.fields);
    }
  }
  return { names, errors };
}

/** Finds the ids of the rows that the user typed into pickers. */
async function pickedIds(here: Environment, entity: Entity, body: Body, kept: Content) {
  const ids: Record<string, string> = {};
  const errors: FieldErrors = {};
  for (const [name, { to }] of fieldEntries(entity)) {
    const text = body[name];
    if (!to || typeof text !== 'string' || text.trim() === '' || Object.hasOwn(kept, name))
      continue;
    const picked = await pickedRow(here, entityNamed(to), text);
    if ('problem' in picked) errors[name] = picked.problem;
    else ids[name] = `#${picked.id}`;
  }
  return { ids, errors };
}

/**
 * Returns the content of a posted form.
 * @throws Invalid with one message for each invalid field
 */
export function contentOf(entity: Entity, { body, errors, kept, opened }: TypedRow): Content {
  try {
    const content = parseContent(entity, body, kept, opened ?? {});
    if (Object.keys(errors).length === 0) return content;
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    throw new Invalid({ ...error.fields, ...errors });
  }
  throw new Invalid(errors);
}

/**
 * Returns the typed values, which the form shows again. An invalid value stays as the user typed
 * it, so that nothing is lost. Secrets are encrypted.
 */
export function asTyped(here: Environment, entity: Entity, typed: TypedRow): Promise<Content> {
  const shown = shownAgain(entity, typed);
  const without = Object.fromEntries(secretsOf(entity).map((name) => [name, null]));
  // If the secrets cannot be encrypted, they are removed, and the user must type them again.
  return sealSecrets(here, entity, shown, null).catch(() => ({ ...shown, ...without }));
}

function shownAgain(entity: Entity, { body, errors, kept, opened }: TypedRow): Content {
  return Object.fromEntries(
    fieldEntries(entity).map(([name, field]) => {
      if (Object.hasOwn(kept, name)) return [name, isSecret(field) ? null : (kept[name] ?? null)];
      if (errors[name] !== undefined) return [name, rawValue(field, body[name])];
      const one = field.schema(labelOf(entity, name), opened?.[name]).safeParse(body[name]);
      return [name, one.success ? one.data : rawValue(field, body[name])];
    }),
  );
}

function rawValue({ kind, initial, links }: Field, posted: unknown): Value {
  if (kind === 'secret') return null;
  if (typeof posted === 'string') return posted;
  return links && Array.isArray(posted) ? (posted as Value) : initial;
}

/**
 * Converts the values chosen on the conflict page to typed values, so that they are validated
 * again.
 */
export function retyped(entity: Entity, chosen: Content, opened: Content | null): TypedRow {
  const body: Body = {};
  const kept: Record<string, Value> = {};
  for (const [name, field] of fieldEntries(entity)) {
    const value = chosen[name];
    if (value === undefined) kept[name] = opened?.[name] as Value;
    else body[name] = postedValue(field, value);
  }
  return { body, errors: {}, opened, kept };
}

/** Converts a stored value to the value that a form posts. */
function postedValue(field: Field, value: Value): unknown {
  if (field.kind === 'flag') return value === true ? 'yes' : '';
  // A secret is posted in encrypted form, because an empty text would mean that the stored secret
  // is kept.
  if (isSecret(field)) return value;
  if (!Array.isArray(value)) return textOf(value);
  return field.links ? linksOfValue(value).map(emptyForNull) : value;
}

const emptyForNull = (link: Link) =>
  Object.fromEntries(Object.entries(link).map(([part, name]) => [part, name ?? '']));
