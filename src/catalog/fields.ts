// Defines the kinds of field. For each kind, a function in this file says how values are checked and stored, and two
// partials show them: views/catalog-pages/fields/<kind>-cell.ejs and <kind>-input.ejs.
import { z } from 'zod';
import { fromSqlInstant, toSqlInstant } from '../database/sql.ts';
import {
  article,
  instantSchema,
  integerSchema,
  line,
  listSchema,
  lower,
  referenceSchema,
  textSchema,
} from './schemas.ts';
import { isWebAddress } from './web-address.ts';

/**
 * A link, as the names of its parts, such as `Pune` and `Metro Cabs`. A link has names instead of
 * ids, because the ids differ between environments.
 */
export type Link = Record<string, string | null>;
export type LinkPart = { name: string; entity: string; isOptional: boolean };
/**
 * The definition of links. `through`: the table of the links. `target`: the part for the linked
 * row, such as a city. `parts`: all parts, the target first.
 */
export type Links = { through: string; target: LinkPart; parts: LinkPart[] };
export type Value = string | number | boolean | null | string[] | Link[];

/**
 * The posted value of a secret field in which the user typed nothing: the stored secret is kept.
 * The value null removes the stored secret.
 */
export const AS_STORED = '';

/** Returns a plain value as text; empty for null and for a list. */
export const textOf = (value: Value | undefined): string =>
  value === undefined || value === null || typeof value === 'object' ? '' : String(value);

export type Options = {
  label?: string;
  hint?: string;
  /** Whether lists of rows show the field as a column. */
  list?: boolean;
  /** Whether the search in a list looks into the field. */
  search?: boolean;
  unique?: boolean;
  /** Whether the field may be left empty. */
  optional?: boolean;
  /** Whether every environment has its own value, such as an endpoint: the field is never transferred. */
  local?: boolean;
  /** For a reference: whether rows are listed below the referenced row, as tasks are below their business. */
  under?: boolean;
  /** The values of a choice that use the field: `{ field: 'type', values: ['choice'] }`; missing if it is always used. */
  usedWith?: { field: string; values: readonly string[] };
};

export type Field<T extends Value = Value> = Required<
  Omit<Options, 'label' | 'hint' | 'usedWith'>
> &
  Pick<Options, 'label' | 'hint' | 'usedWith'> & {
    kind: string;
    /** The zod schema of a posted value; each message says what to do. `opened`: the value that the form showed. */
    schema: (label: string, opened?: Value) => z.ZodType<T>;
    /** Returns the value of the field in a row, from the value that MySQL stores. */
    read: (stored: unknown) => T;
    /** Returns the value that MySQL stores, from the value of the field in a row. */
    store(value: T): unknown;
    /** The value of the field in the form of a new row. */
    initial: T;
    /**
     * The smallest and the largest number that the field accepts; for texts, `max` is the most
     * characters.
     */
    min?: number;
    max?: number;
    choices?: readonly string[];
    /** The entity that a reference field points to. */
    to?: string;
    /** For a link field: the table and the parts of its links. */
    links?: Links;
  };

const asIs = <T>(stored: unknown) => stored as T;
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

export const text = (options: Options & { max: number }) =>
  field<string>('text', options, {
    schema: (label) => textSchema(options, label),
    initial: '',
    max: options.max,
  });

type TextRules = Partial<Parameters<typeof textSchema>[0]>;

/**
 * Defines an optional text. An empty text is stored as null, so that empty and missing texts count
 * as equal.
 */
const orNull = (kind: string, options: Options & { max: number }, rules: TextRules = {}) =>
  field<string | null>(
    kind,
    { ...options, optional: true },
    {
      schema: (label) =>
        textSchema({ ...rules, max: options.max, optional: true }, label).transform(
          (typed) => typed || null,
        ),
      initial: null,
      max: options.max,
    },
  );

export const optionalText = (options: Options & { max: number }) => orNull('text', options);

export const longText = (options: Options & { max: number }) =>
  orNull('long-text', options, { isLong: true });

const webAddress = { test: isWebAddress, message: 'must be an address that begins with https://' };

export const link = (options: Options & { max: number }) =>
  orNull('link', options, { fits: webAddress });

export const integer = (options: Options & { min: number; max: number; initial?: number }) =>
  field<number>('integer', options, {
    schema: (label) => integerSchema(options, label),
    initial: options.initial ?? options.min,
    min: options.min,
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
      line.refine((typed) => choices.includes(typed), {
        message: `Choose ${article(label)} ${lower(label)} from the list`,
      }),
    initial: '',
    choices,
  });

/** Defines a reference: the id of a row of another entity. Saving checks that the row exists. */
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

/**
 * Defines an image. Its value is the name of the image in storage: the SHA-256 hash of its content,
 * and a file extension.
 */
export const image = (options: Options = {}) =>
  field<string | null>(
    'image',
    { ...options, optional: true },
    {
      schema: (label) =>
        line
          .refine((typed) => typed === '' || /^[0-9a-f]{64}\.(png|jpg|gif|webp)$/.test(typed), {
            message: `${label} must be a PNG, JPEG, GIF or WebP image`,
          })
          .transform((typed) => typed || null),
      initial: null,
    },
  );

/** Defines a timestamp in ISO 8601 with milliseconds, in UTC. */
export const instant = (options: Options = {}) =>
  field<string | null>(
    'instant',
    { ...options, optional: true },
    {
      schema: instantSchema,
      read: (stored) => (typeof stored === 'string' ? fromSqlInstant(stored) : null),
      store: (value) => (value === null ? null : toSqlInstant(value)),
      initial: null,
    },
  );

const LINES = 200;

/** Defines a list of texts, one on each line of the form, with at most `lines` lines. */
export const list = ({ lines = LINES, ...options }: Options & { max: number; lines?: number }) =>
  field<string[]>(
    'list',
    { ...options, optional: true },
    {
      schema: (label) => listSchema({ max: options.max, lines }, label),
      initial: [],
      max: options.max,
    },
  );
