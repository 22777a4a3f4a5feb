// Merges the choices of two people who have the same sheet open: the changes of the person who saves now are applied
// to the choices that are stored by now.
import { z } from 'zod';
import { keyFrom } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { secretsOf } from '../catalog/secret.ts';
import { withOwnText, withOwnTicks } from '../web/form/merge.ts';
import type { Choices } from './choices.ts';
import type { SavedChoices, Selection } from './selections.ts';

const lists = z.record(z.string(), z.array(z.string()));
const texts = z.record(z.string(), z.record(z.string(), z.string()));
const shownSchema = z.object({
  name: z.string(),
  reason: z.string(),
  include: z.array(z.string()),
  create: z.array(z.string()),
  again: z.array(z.string()),
  resend: z.boolean(),
  excludedFields: lists,
  locals: texts,
});

/**
 * The choices that one page of a sheet showed when it was opened: the choices for the whole sheet, and the choices for
 * the rows on that page.
 */
export type ShownChoices = z.infer<typeof shownSchema>;

export function shownOn({ name, reason, choices }: SavedChoices, rows: string[]): ShownChoices {
  const { include, create, again, resend, excludedFields, locals } = choices;
  const ofRows = <T>(by: Record<string, T>) =>
    Object.fromEntries(Object.entries(by).filter(([key]) => rows.includes(key)));
  return {
    name,
    reason: reason ?? '',
    include,
    create,
    again,
    resend,
    excludedFields: ofRows(excludedFields),
    locals: Object.fromEntries(
      Object.entries(ofRows(locals)).map(([row, own]) => [row, withoutSecrets(row, own)]),
    ),
  };
}

/**
 * Whether the value of a field is a secret. A page never shows a secret: a typed secret replaces the stored secret, and
 * an empty input keeps the stored secret.
 */
function isSecretOf(row: string, field: string): boolean {
  const entity = catalog.find(({ name }) => name === keyFrom(row).entity);
  return entity !== undefined && secretsOf(entity).includes(field);
}

const withoutSecrets = (row: string, own: Record<string, string>) =>
  Object.fromEntries(Object.entries(own).filter(([field]) => !isSecretOf(row, field)));

/** Parses the choices that the posted page showed; null when it contained none. */
export function parseShown(json: string): ShownChoices | null {
  try {
    return shownSchema.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null;
  }
}

/** A value that both people changed: `theirs` is the stored one, `yours` the posted one. */
export type Overtaken = { label: string; theirs: string; yours: string };

type Merged = { now: SavedChoices; overtaken: Overtaken[] };

/**
 * Merges posted choices with stored choices. A posted choice that differs from what the page showed was made by this
 * person; all other stored choices stay. `overtaken` lists the values that both this person and another person changed.
 * For these values, `prefer` decides: `yours` takes the posted value, `theirs` keeps the stored value.
 */
export function mergeChoices(
  stored: Selection,
  shown: ShownChoices,
  posted: SavedChoices,
  prefer: 'theirs' | 'yours' = 'yours',
): Merged {
  const overtaken: Overtaken[] = [];
  const text = (label: string, theirs: string, before: string, yours: string) => {
    const merged = withOwnText(theirs, before, yours);
    if (merged.isOvertaken) overtaken.push({ label, theirs, yours });
    return merged.isOvertaken && prefer === 'theirs' ? theirs : merged.text;
  };
  const { choices } = posted;
  const ticks = (name: 'include' | 'create' | 'again') =>
    withOwnTicks(stored.choices[name], shown[name], choices[name]);
  const isResent = choices.resend === shown.resend ? stored.choices.resend : choices.resend;
  const now = {
    keys: posted.keys,
    name: text('name', stored.name, shown.name, posted.name),
    reason: text('reason', stored.reason ?? '', shown.reason, posted.reason ?? '') || null,
    choices: {
      ...choices,
      include: ticks('include'),
      create: ticks('create'),
      again: ticks('again'),
      resend: isResent,
      excludedFields: mergedLists(
        stored.choices.excludedFields,
        shown.excludedFields,
        choices.excludedFields,
      ),
      locals: mergedTexts(stored.choices.locals, shown.locals, choices.locals, text),
    },
  };
  return { now, overtaken };
}

type Lists = Choices['excludedFields'];

/**
 * Merges lists by row. A posted page has no inputs for rows on other pages, so the stored choices of these rows stay.
 */
function mergedLists(stored: Lists, shown: Lists, posted: Lists): Lists {
  const rows = Object.keys({ ...stored, ...posted });
  return Object.fromEntries(
    rows
      .map((row): [string, string[]] => [
        row,
        withOwnTicks(stored[row] ?? [], shown[row] ?? [], posted[row] ?? []),
      ])
      .filter(([, names]) => names.length > 0),
  );
}

type Texts = Choices['locals'];
type MergeText = (label: string, theirs: string, before: string, yours: string) => string;

function mergedTexts(stored: Texts, shown: Texts, posted: Texts, merge: MergeText): Texts {
  const rows = Object.keys({ ...stored, ...posted });
  return Object.fromEntries(
    rows.map((row) => {
      const [theirs, before, yours] = [stored[row] ?? {}, shown[row] ?? {}, posted[row] ?? {}];
      const own = Object.entries(yours).map(([field, text]) => [
        field,
        isSecretOf(row, field)
          ? text
          : merge(field, theirs[field] ?? '', before[field] ?? '', text),
      ]);
      return [row, { ...theirs, ...Object.fromEntries(own) }];
    }),
  );
}
