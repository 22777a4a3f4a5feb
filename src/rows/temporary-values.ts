// Temporary unique values. When two forms swap their names, one is renamed to `Feedback (moving 3f9a…)` first,
// because the database checks uniqueness at each write.
import { randomBytes } from 'node:crypto';
import { isSameValue } from '../catalog/content.ts';
import type { Entity, Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { uniqueFieldsOf } from '../catalog/unique-values.ts';
import { updateFromLines } from '../database/bulk.ts';
import { name, sql, type Queryable } from '../database/sql.ts';

/**
 * Returns a temporary value that no row has and no one can guess. It begins with the row’s real
 * value, so that people who see it recognise the row.
 */
function temporaryValue(entity: Entity, field: string, own: string): string {
  const max = entity.fields[field]?.max ?? own.length;
  const mark = ` (moving ${randomBytes(6).toString('hex')})`;
  const room = max - mark.length;
  return room > 0 ? [...own].slice(0, room).join('') + mark : mark.slice(-max);
}

/**
 * Gives temporary values to rows whose unique values change, before the update that writes the new
 * values. MySQL checks uniqueness row by row, in any order, and would otherwise refuse a swap.
 */
export async function giveTemporaryValues(
  on: Queryable,
  entity: Entity,
  rows: { now: Row; after: Row }[],
) {
  for (const field of uniqueFieldsOf(entity)) {
    const moving = rows.filter(({ now, after }) => !isSameValue(now[field], after[field]));
    // If only one row changes its value, the rows cannot be swapping values, so no temporary value is needed.
    if (moving.length > 1) {
      const column = name(field);
      await updateFromLines(
        on,
        {
          table: entity.table,
          columns: ['id', field],
          set: sql`target.${column} = given.${column}`,
        },
        moving.map(({ now }) => [now.id, temporaryValue(entity, field, textOf(now[field]))]),
      );
    }
  }
}

/** The temporary values in a document, by field, each with the real value (`own`). */
export type Temporary = Record<string, { value: string; own: string }>;

type Stored = { temporary?: Temporary; [field: string]: unknown };

/**
 * Returns the real value of a document’s field. Readers get the real value even while the document
 * has a temporary one.
 */
export function ownValue(stored: Stored, field: string): unknown {
  const temporary = stored.temporary?.[field];
  return temporary && temporary.value === stored[field] ? temporary.own : stored[field];
}

/**
 * Returns the document with temporary values in its unique fields. Its `modified_at` does not change, because apps
 * would otherwise take the document with its temporary values for a finished change.
 */
export function withTemporaryValues<T extends Stored>(entity: Entity, seen: T): T {
  const temporary: Temporary = {};
  for (const field of uniqueFieldsOf(entity)) {
    const own = ownValue(seen, field);
    if (typeof own === 'string') {
      temporary[field] = { own, value: temporaryValue(entity, field, own) };
    }
  }
  const values = Object.entries(temporary).map(([field, { value }]) => [field, value]);
  return { ...seen, ...Object.fromEntries(values), temporary };
}

/**
 * Returns the document with its real values instead of temporary ones: `Feedback (moving 3f9a…)` becomes `Feedback`
 * again. A field that another user has changed meanwhile keeps that user’s value. `lasting` returns the value to write
 * for a real value, for example with a suffix if another document has the real value now.
 */
export function withLastingValues<T extends Stored>(
  seen: T,
  lasting = (own: string): string => own,
): T {
  const { temporary, ...rest } = seen;
  const values = Object.entries(temporary ?? {}).flatMap(([field, { value, own }]) =>
    seen[field] === value ? [[field, lasting(own)]] : [],
  );
  return { ...rest, ...Object.fromEntries(values) } as T;
}
