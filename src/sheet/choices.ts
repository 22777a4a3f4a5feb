// What a person decided on a sheet, and what it makes of a row.
import {
  fieldEntries,
  keyText,
  labelOf,
  type Entity,
  type Row,
  type Draft,
} from '../catalog/entity.ts';
import type { Field, Value } from '../catalog/fields.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';

/** Keys are key texts (`task:12`), names are `city:Pune`. */
export type Choices = {
  include: string[];
  create: string[];
  /** Send rows again that are the same there, for a fresh `modified_at`. */
  resend: boolean;
  /** Fields of a row that stay as they are there. */
  excludedFields: Record<string, string[]>;
  /** Values that hold there, as typed, of the local fields of rows that are new there. */
  locals: Record<string, Record<string, string>>;
  /** Rows whose very content was undone there, and goes again all the same. */
  again: string[];
  /** The typed words that allow to overwrite what changed there, */
  overwrite: string;
  /** and to delete where the apps read; */
  remove: string;
  /** and the plan that they were typed for: what changes later is not covered. */
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
 * The row as it will stand there: all columns of ours, without the fields that were left out on the sheet;
 * a local field keeps the value it has there. Null for a row that is not here.
 */
export function rowToSend({ key, entity, here, there }: RowPair, choices: Choices): Row | null {
  if (here === null) return null;
  const own = keyText(key);
  const left = there ? (choices.excludedFields[own] ?? []) : [];
  const row: Draft<Row> = { ...here };
  for (const [name, field] of fieldEntries(entity)) {
    if (field.local && !there) row[name] = localValue(entity, name, choices.locals[own]).value;
    else if (field.local || left.includes(name)) {
      const value = there?.[name];
      if (value === undefined) delete row[name];
      else row[name] = value;
    }
  }
  return row;
}

/** The value that was typed for a local field; with a message when it does not fit. */
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
