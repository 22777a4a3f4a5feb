// The schema of a sheet’s choices. Invalid posted choices are refused. Invalid stored choices are dropped, so
// that an old selection can still be opened after an entity was removed from the catalogue.
import { z } from 'zod';
import { keyFrom, type Entity } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { Invalid } from '../problems.ts';
import { noChoices, type Choices } from './choices.ts';

const byName = new Map<string, Entity>(catalog.map((entity) => [entity.name, entity]));
const entityOf = (text: string) => byName.get(text.slice(0, text.indexOf(':')));

/** The key of a row, such as `task:12`. Its type must be in the catalogue. */
const keyText = z
  .string()
  .regex(/^[a-z_]+:[1-9]\d{0,15}$/)
  .refine((text) => entityOf(text) !== undefined);

/** The type and the name of a row to create at the destination, such as `city:Pune`. */
const nameText = z
  .string()
  .max(200)
  .refine((text) => entityOf(text)?.isMatchedByName && !text.endsWith(':'));

const isField = (key: string, name: string) => {
  const entity = entityOf(key);
  return entity !== undefined && Object.hasOwn(entity.fields, name);
};
const excluded = z
  .record(keyText, z.array(z.string()))
  .refine((by) =>
    Object.entries(by).every(([key, names]) => names.every((one) => isField(key, one))),
  );

/** A text that the user typed for an environment-specific field, with a limit on its length. */
const localText = z.string().max(10_000);
const typed = z
  .record(keyText, z.record(z.string(), localText))
  .refine((by) =>
    Object.entries(by).every(([key, texts]) =>
      Object.keys(texts).every((one) => isField(key, one)),
    ),
  );

const word = z.string().max(200);

/**
 * Checks the posted choices.
 * @throws Invalid for a choice that the sheet does not offer
 */
export function checkedChoices(posted: Choices): Choices {
  // The schema drops keys that it does not know, such as `__proto__`.
  const { data } = z
    .object({
      include: z.array(keyText),
      create: z.array(nameText),
      resend: z.boolean(),
      again: z.array(keyText),
      excludedFields: excluded,
      locals: typed,
      overwrite: word,
      remove: word,
      typedFor: word,
    })
    .safeParse(posted);
  if (data) return data;
  throw new Invalid({
    choices: 'This sheet has a choice that no row offers. Open the sheet again.',
  });
}

const fitting = <T>(schema: z.ZodType<T>, value: unknown): T[] =>
  z
    .array(z.unknown())
    .catch([])
    .parse(value)
    .flatMap((one) => schema.safeParse(one).data ?? []);

/** The entries of a stored record whose key and value are valid. */
const fittingEntries = <T>(schema: z.ZodType<Record<string, T>>, value: unknown) =>
  Object.fromEntries(
    Object.entries(z.record(z.string(), z.unknown()).catch({}).parse(value)).filter(
      ([key, one]) => schema.safeParse(Object.fromEntries([[key, one]])).success,
    ),
  ) as Record<string, T>;

const textOr = (value: unknown) => word.catch('').parse(value);

/** Parses stored choices and drops every choice that is no longer valid. */
export function mendedChoices(json: string): Choices {
  const stored = z.record(z.string(), z.unknown()).catch({}).parse(fromJson(json));
  return {
    ...noChoices,
    include: fitting(keyText, stored['include']),
    create: fitting(nameText, stored['create']),
    again: fitting(keyText, stored['again']),
    resend: stored['resend'] === true,
    excludedFields: fittingEntries(excluded, stored['excludedFields']),
    locals: fittingEntries(typed, stored['locals']),
    overwrite: textOr(stored['overwrite']),
    remove: textOr(stored['remove']),
    typedFor: textOr(stored['typedFor']),
  };
}

export const mendedKeys = (json: string) => fitting(keyText, fromJson(json)).map(keyFrom);
export const mendedTexts = (json: string) => fitting(z.string(), fromJson(json));

function fromJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
