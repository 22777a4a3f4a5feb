// Handles misfits: stored values that do not fit the definition of their field, because another program wrote them. A
// row is read with a description of each misfit, and without values of a wrong type, so that lists, comparisons and
// the API keep working.
import { labelOf, type Content, type Draft, type Entity, type Row } from './entity.ts';
import type { Field, Value } from './fields.ts';

/**
 * A stored value that does not fit its field. `message` says what is wrong, such as `Options is not
 * a list of texts`; `stored` is the value as text.
 */
export type Misfit = { field: string; message: string; stored: string };

// The misfits of a row are stored under a symbol, so that copies of the row keep them, but stored
// contents and JSON answers do not contain them.
const MISFITS = Symbol('misfits');
type Carrying = { [MISFITS]?: readonly Misfit[] };

export const misfitsOf = (row: Row | Content | null | undefined): readonly Misfit[] =>
  (row as Carrying | null | undefined)?.[MISFITS] ?? [];

/** Returns a copy of the row without the descriptions of its misfits. */
export function mended(row: Row): Row {
  const copy = { ...row } as Row & Carrying;
  delete copy[MISFITS];
  return copy;
}

/** Describes the misfits of a row: `Form field 9001: Options is not a list of texts` */
export const misfitText = (entity: Entity, row: Row, misfits = misfitsOf(row)): string =>
  `${entity.label.one} ${row.id}: ${misfits.map(({ message }) => message).join('; ')}`;

/**
 * The `modified_at` of rows without a timestamp, so that they count as changed before all other
 * rows.
 */
export const BEGINNING = '1970-01-01T00:00:00.000Z';

/**
 * Sets `modified_at` from the stored timestamp. A row without a valid timestamp gets the earliest
 * one, BEGINNING.
 */
export function readModified(row: Draft<Row>, stored: string | null) {
  const isValid = stored !== null && isInstant(stored);
  row.modified_at = isValid ? stored : BEGINNING;
  if (stored !== null && !isValid) {
    const message = 'Its time of change is not a date and time';
    addMisfit(row, { field: 'modified_at', message, stored });
  }
}

/**
 * Sets a field from a stored value. A value of another type is left out of the row; a value outside
 * its limits stays in the row. Either value is recorded as a misfit.
 */
export function readField(
  entity: Entity,
  row: Draft<Row>,
  [name, field]: readonly [string, Field],
  stored: unknown,
) {
  if (stored === undefined) return;
  const { problem, isUsable } = judge(field, stored);
  if (isUsable) row[name] = stored as Value;
  if (!problem) return;
  const message = `${labelOf(entity, name)} ${problem}`;
  addMisfit(row, { field: name, message, stored: shorten(stored) });
}

const SHOWN = 200;

/** Shows a stored value of any type as short text, such as `[null]`. */
function shorten(stored: unknown): string {
  const text = typeof stored === 'number' ? String(stored) : (JSON.stringify(stored) ?? '');
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function addMisfit(row: Draft<Row>, misfit: Misfit) {
  const carrying = row as Carrying;
  carrying[MISFITS] = [...(carrying[MISFITS] ?? []), misfit];
}

type Judgement = { problem: string | null; isUsable: boolean };
const fits: Judgement = { problem: null, isUsable: true };
const useless = (problem: string): Judgement => ({ problem, isUsable: false });

function judge(field: Field, stored: unknown): Judgement {
  if (stored === null) return field.optional ? fits : useless('is empty');
  return (judges[field.kind] ?? (() => fits))(stored, field);
}

const text = (stored: unknown): Judgement =>
  typeof stored === 'string' ? fits : useless('is not a text');

const judges: Record<string, (stored: unknown, field: Field) => Judgement> = {
  text,
  'long-text': text,
  link: text,
  image: text,
  choice: (stored, { choices = [] }) =>
    typeof stored !== 'string' || choices.includes(stored)
      ? text(stored)
      : { problem: 'is not one of its choices', isUsable: true },
  integer: (stored, { min = -Infinity, max = Infinity }) => {
    if (!Number.isSafeInteger(stored)) return useless('is not a whole number');
    const isWithin = (stored as number) >= min && (stored as number) <= max;
    return isWithin ? fits : { problem: `is not from ${min} to ${max}`, isUsable: true };
  },
  flag: (stored) => (typeof stored === 'boolean' ? fits : useless('is neither yes nor no')),
  reference: (stored) =>
    Number.isSafeInteger(stored) && (stored as number) > 0 ? fits : useless('is not an ID'),
  instant: (stored) =>
    typeof stored === 'string' && isInstant(stored) ? fits : useless('is not a date and time'),
  list: (stored) =>
    Array.isArray(stored) && stored.every((one) => typeof one === 'string')
      ? fits
      : useless('is not a list of texts'),
};

/**
 * Whether a text is an ISO 8601 timestamp that exists. MySQL also stores zero dates and partial
 * dates, which do not exist.
 */
export function isInstant(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$/.test(text)) return false;
  // JavaScript reads 30 February as 2 March, and 24:00 as the next day.
  return new Date(text).getUTCDate() === Number(text.slice(8, 10));
}
