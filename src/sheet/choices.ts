// The choices that a person makes on a transfer sheet, and the row that results from these choices.
import {
  fieldEntries,
  hasLocalFields,
  keyText,
  labelOf,
  type Entity,
  type Row,
  type Draft,
} from '../catalog/entity.ts';
import type { Field, Value } from '../catalog/fields.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';

/**
 * The choices of one selection. Rows are named by key texts (`task:12`); names to create at the destination are
 * written `<entity>:<name>`.
 */
export type Choices = {
  include: string[];
  create: string[];
  /** Whether unchanged rows are sent again, with a new `modified_at`, so that apps reread them. */
  resend: boolean;
  /** The fields that are not sent, by key text (`task:12`) of their row. They keep the destination’s value. */
  excludedFields: Record<string, string[]>;
  /**
   * The values typed for environment-specific fields (such as an endpoint) of rows that are new at the destination.
   */
  locals: Record<string, Record<string, string>>;
  /** The rows whose transfer was undone and which the user chose to send again. */
  again: string[];
  /** The typed word that confirms overwriting changes at the destination; empty until typed. */
  overwrite: string;
  /** The typed word that confirms deletions in an environment that apps read; empty until typed. */
  remove: string;
  /** The hash of the plan that `overwrite` and `remove` confirm. They confirm no other plan. */
  typedFor: string;
};

export const noChoices: Choices = {
  include: [],
  create: [],
  resend: false,
  excludedFields: {},
  locals: {},
  again: [],
  overwrite: '',
  remove: '',
  typedFor: '',
};

export const OVERWRITE = 'overwrite';
export const DELETE = 'delete';
export const isTyped = (text: string, word: string) => text.trim().toLowerCase() === word;

/**
 * The row as it will be at the destination: the values of the sending environment, except that excluded and
 * environment-specific fields keep the destination’s value. Null for a row that does not exist in the sending
 * environment.
 */
export function rowToSend(pair: RowPair, choices: Choices): Row | null {
  const { key, entity, here, there } = pair;
  if (here === null) return null;
  const left = excludedFieldsOf(pair, choices);
  if (left.length === 0 && !hasLocalFields(entity)) return here;
  const row: Draft<Row> = { ...here };
  const typed = there ? undefined : choices.locals[keyText(key)];
  for (const [name, field] of fieldEntries(entity)) {
    if (field.local && !there) row[name] = localValue(entity, name, typed).value;
    else if (field.local || left.includes(name)) {
      const value = there?.[name];
      if (value === undefined) delete row[name];
      else row[name] = value;
    }
  }
  return row;
}

/** Returns the fields of a row that are not sent; none for a row that is new at the destination. */
export function excludedFieldsOf(
  { key, there }: RowPair,
  { excludedFields }: Choices,
): readonly string[] {
  // Mostly no row has such fields, and looking up a new text in an object takes long.
  const hasAny = there !== null && Object.keys(excludedFields).length > 0;
  return hasAny ? (excludedFields[keyText(key)] ?? []) : [];
}

/** Parses the typed value of an environment-specific field; `error` is the message for an invalid value. */
export function localValue(
  entity: Entity,
  name: string,
  typed: Record<string, string> | undefined,
): { value: Value; error: string | null } {
  const field = entity.fields[name] as Field;
  if (!typed?.[name]) return { value: field.initial, error: null };
  const { data, error } = field.schema(labelOf(entity, name)).safeParse(typed[name]);
  return { value: data ?? field.initial, error: error?.issues[0]?.message ?? null };
}
