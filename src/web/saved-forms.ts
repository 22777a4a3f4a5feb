// Stores saved forms (posted forms that could not be processed) in Redis, for the person who typed them. A new password
// makes the person’s saved forms inaccessible. The number and the size of saved forms are limited.
import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { z } from 'zod';
import { holderOf, type FormHolder, type Holder } from './form-token.ts';

const HOURS = 24;
export const keptFor = 'a day';
const MOST = 10;
const ROOM = 2_000_000;

const schema = z.object({
  path: z.string(),
  /**
   * The copy (staging database) in which the form was typed; null if it was typed in this server’s
   * own environment.
   */
  copy: z.string().nullable().default(null),
  at: z.string(),
  fields: z.array(z.tuple([z.string(), z.string()])),
  /** The names of fields whose uploaded file could not be stored. */
  lost: z.array(z.string()),
  /**
   * The names of secret fields whose value could not be encrypted. The value is left out, because
   * secrets are never stored in clear text.
   */
  unsealed: z.array(z.string()).default([]),
});
export type SavedForm = z.infer<typeof schema>;

const keyOf = ({ house }: Request, { id, mark }: FormHolder) =>
  `oneway:${house.name}:saved-forms:${id}:${mark}`;

/**
 * Returns the id of a saved form, computed from its content, so that a form that is posted twice is
 * saved only once.
 */
const idOf = ({ path, copy, fields }: SavedForm) =>
  createHash('sha256')
    .update(JSON.stringify([path, copy, fields]))
    .digest('base64url')
    .slice(0, 16);

/**
 * Saves a form; returns whether it was saved. A form is not saved if it has no fields, has a
 * password, is too large, or if the person has too many saved forms.
 */
export async function save(req: Request, holder: FormHolder, form: SavedForm): Promise<boolean> {
  const text = JSON.stringify(form);
  if (!isWorthSaving(form) || text.length > ROOM) return false;
  const [key, id] = [keyOf(req, holder), idOf(form)];
  const isKnown = await req.redis.hExists(key, id);
  if (!isKnown && (await req.redis.hLen(key)) >= MOST) return false;
  await req.redis
    .multi()
    .hSet(key, id, text)
    .expire(key, HOURS * 3600)
    .exec();
  return true;
}

/**
 * Whether a form may be saved. A form with a password may not, because passwords are never stored
 * in clear text.
 */
export const isWorthSaving = ({ path, fields }: Pick<SavedForm, 'path' | 'fields'>) =>
  fields.length > 0 &&
  !path.startsWith('/saved-form') &&
  !fields.some(([name]) => /password/i.test(name));

/** Reads the saved forms of a person, newest first. */
export async function savedFor(
  req: Request,
  person: Holder,
): Promise<(SavedForm & { id: string })[]> {
  const texts = await req.redis.hGetAll(keyOf(req, holderOf(person)));
  return Object.entries(texts)
    .flatMap(([id, text]) => {
      const { data } = schema.safeParse(JSON.parse(text));
      return data ? [{ ...data, id }] : [];
    })
    .toSorted((one, other) => (one.at < other.at ? 1 : -1));
}

export const forget = (req: Request, person: Holder, id: string) =>
  req.redis.hDel(keyOf(req, holderOf(person)), id);
