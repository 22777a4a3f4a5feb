// The kinds of field. A kind is one function here (its schema, how it is stored) and two partials:
// views/catalog-pages/fields/<kind>-cell.ejs and -input.ejs.
import { z } from 'zod';
import { fromSqlInstant, toSqlInstant } from '../database/sql.ts';

/** The names of linked rows, by part; names, because ids of such rows differ between environments. */
export type Link = Record<string, string | null>;
export type LinkPart = { name: string; entity: string; isOptional: boolean };
/** What a set of links is made of: the linked row itself is the first of the parts. */
export type Links = { through: string; target: LinkPart; parts: LinkPart[] };
export type Value = string | number | boolean | null | string[] | Link[];

/** A plain value as text; lists have no text of their own. */
export const textOf = (value: Value | undefined): string =>
  value === undefined || value === null || typeof value === 'object' ? '' : String(value);

export type Options = {
  label?: string;
  hint?: string;
  /** A column of the list. */
  list?: boolean;
  /** Found by the search box. */
  search?: boolean;
  unique?: boolean;
  /** May be left empty. */
  optional?: boolean;
  /** Never travels: every environment has its own value. */
  local?: boolean;
  /** For a reference: the row belongs under that one, as a task under its business. */
  under?: boolean;
};

export type Field<T extends Value = Value> = Required<Omit<Options, 'label' | 'hint'>> & {
  kind: string;
  label?: string;
  hint?: string;
  /** Parses what a form posts; each message says what to do. */
  schema: (label: string) => z.ZodType<T>;
  /** Convert between the stored MySQL value and ours. */
  read: (stored: unknown) => T;
  store(value: T): unknown;
  /** The value of a new row. */
  initial: T;
  max?: number;
  choices?: readonly string[];
  /** The entity a reference points to. */
  to?: string;
  /** Of a set of links: its table, and whose names it holds. */
  links?: Links;
};

const asIs = <T>(stored: unknown) => stored as T;
/** Typed text, trimmed; missing is empty. */
export const blank = z
  .string()
  .optional()
  // Browsers post every line break as CR LF.
  .transform((typed) => (typed ?? '').replaceAll('\0', '').replaceAll('\r\n', '\n').trim());

export function field<T extends Value>(
  kind: string,
  options: Options,
  own: Pick<Field<T>, 'schema' | 'initial'> & Partial<Field<T>>,
): Field<T> {
  return {
    kind,
    list: false,
    search: false,
    unique: false,
    optional: false,
    local: false,
    under: false,
    read: asIs<T>,
    store: (value) => value,
    ...options,
    ...own,
  };
}

const enter = (label: string) => `Enter ${article(label)} ${lower(label)}`;
const lower = (label: string) => label.charAt(0).toLowerCase() + label.slice(1);
const article = (label: string) => (/^[aeiou]/i.test(label) ? 'an' : 'a');

/** Characters as a person counts them: an emoji is one. */
const length = (text: string) => [...text].length;

function textSchema(options: Options & { max: number; pattern?: [RegExp, string] }) {
  return (label: string) =>
    blank.superRefine((typed, context) => {
      const say = (message: string) => context.addIssue({ code: 'custom', message });
      if (typed === '' && !options.optional) say(enter(label));
      else if (length(typed) > options.max) {
        say(`${label} must be ${options.max} characters or fewer. It has ${length(typed)}.`);
      } else if (typed !== '' && options.pattern && !options.pattern[0].test(typed)) {
        say(`${label} ${options.pattern[1]}`);
      }
    });
}

export const text = (options: Options & { max: number }) =>
  field<string>('text', options, { schema: textSchema(options), initial: '', max: options.max });

/** Optional text is null when empty, so that empty and missing compare as equal. */
const orNull = (options: Options & { max: number; pattern?: [RegExp, string] }) => ({
  schema: (label: string) =>
    textSchema({ ...options, optional: true })(label).transform((typed) => typed || null),
  initial: null,
  max: options.max,
});

export const optionalText = (options: Options & { max: number }) =>
  field<string | null>('text', { ...options, optional: true }, orNull(options));

export const longText = (options: Options & { max: number }) =>
  field<string | null>('long-text', { ...options, optional: true }, orNull(options));

export const link = (options: Options & { max: number }) =>
  field<string | null>(
    'link',
    { ...options, optional: true },
    orNull({
      ...options,
      pattern: [/^https?:\/\/[^\s/]+\S*$/i, 'must be an address that begins with https://'],
    }),
  );

export const integer = (options: Options & { min: number; max: number; initial?: number }) =>
  field<number>('integer', options, {
    schema: (label) =>
      blank
        .superRefine((typed, context) => {
          const number = Number(typed);
          const fits = /^-?\d+$/.test(typed) && number >= options.min && number <= options.max;
          if (!fits) {
            const message = `${label} must be a whole number from ${options.min} to ${options.max}`;
            context.addIssue({ code: 'custom', message });
          }
        })
        .transform(Number),
    initial: options.initial ?? options.min,
    max: options.max,
  });

export const flag = (options: Options = {}) =>
  field<boolean>('flag', options, {
    schema: () =>
      z
        .union([z.string(), z.array(z.string())])
        .optional()
        .transform((ticked) => [ticked].flat().includes('yes')),
    read: Boolean,
    initial: true,
  });

export const choice = (choices: readonly string[], options: Options = {}) =>
  field<string>('choice', options, {
    schema: (label) =>
      blank.refine((typed) => choices.includes(typed), {
        message: `Choose ${article(label)} ${lower(label)} from the list`,
      }),
    initial: '',
    choices,
  });

/** An id of another entity; saving checks that the row exists. */
export const reference = (to: string, options: Options = {}) =>
  field<number>('reference', options, {
    schema: (label) => referenceSchema(label).transform((id) => id as number),
    initial: 0,
    to,
  });

export const optionalReference = (to: string, options: Options = {}) =>
  field<number | null>(
    'reference',
    { ...options, optional: true },
    { schema: (label) => referenceSchema(label, { optional: true }), initial: null, to },
  );

/** Parses what a picker posts: `Sunrise Clinic #412`, or the id alone. */
const referenceSchema = (label: string, { optional = false } = {}) =>
  blank
    .superRefine((typed, context) => {
      if (typed === '' && !optional) {
        const message = `Choose ${article(label)} ${lower(label)} from the list`;
        context.addIssue({ code: 'custom', message });
      } else if (typed !== '' && referencedId(typed) === null) {
        const message = `Choose ${article(label)} ${lower(label)} from the list, or type its ID as #412`;
        context.addIssue({ code: 'custom', message });
      }
    })
    .transform((typed) => referencedId(typed));

function referencedId(typed: string): number | null {
  const id = Number(/(?:^|#)(\d{1,15})$/.exec(typed)?.[1]);
  return Number.isSafeInteger(id) && id > 0 ? id : null;
}

/** The name of an object in storage: the SHA-256 of an image and its ending. */
export const image = (options: Options = {}) =>
  field<string | null>(
    'image',
    { ...options, optional: true },
    {
      schema: (label) =>
        blank
          .refine((typed) => typed === '' || /^[0-9a-f]{64}\.(png|jpg|gif|webp)$/.test(typed), {
            message: `${label} must be a PNG, JPEG, GIF or WebP image`,
          })
          .transform((typed) => typed || null),
      initial: null,
    },
  );

/** A moment in ISO 8601 with milliseconds, UTC. */
export const instant = (options: Options = {}) =>
  field<string | null>(
    'instant',
    { ...options, optional: true },
    {
      schema: (label) =>
        blank
          .superRefine((typed, context) => {
            if (typed !== '' && Number.isNaN(Date.parse(asUtc(typed)))) {
              const message = `${label} must be a date and time, such as 2026-11-30T09:00`;
              context.addIssue({ code: 'custom', message });
            }
          })
          .transform((typed) => (typed === '' ? null : new Date(asUtc(typed)).toISOString())),
      read: (stored) => (typeof stored === 'string' ? fromSqlInstant(stored) : null),
      store: (value) => (value === null ? null : toSqlInstant(value)),
      initial: null,
    },
  );

/** Browsers post no time zone; pages say that times are in UTC. */
const asUtc = (typed: string) => (/(?:Z|[+-]\d\d:\d\d)$/.test(typed) ? typed : `${typed}Z`);

/** A short list of texts, one a line in the form. */
export const list = (options: Options & { max: number }) =>
  field<string[]>(
    'list',
    { ...options, optional: true },
    {
      schema: (label) =>
        z
          .union([z.string(), z.array(z.string())])
          .optional()
          .transform((typed) =>
            (Array.isArray(typed) ? typed : (typed ?? '').split(/\r?\n/))
              .map((line) => line.trim())
              .filter((line) => line !== ''),
          )
          .refine((lines) => lines.every((line) => length(line) <= options.max), {
            message: `${label}: each line must be ${options.max} characters or fewer`,
          }),
      initial: [],
      max: options.max,
    },
  );
