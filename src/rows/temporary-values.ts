// Temporary unique values, which rows hold while other rows of the same write take over theirs.
import { randomBytes } from 'node:crypto';
import { isSameValue } from '../catalog/content.ts';
import type { Entity, Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { uniqueFieldsOf } from '../catalog/unique-values.ts';
import { updateFromLines } from '../database/bulk.ts';
import { name, sql, type Queryable } from '../database/sql.ts';

/** A value that no row has and no one can guess; it contains the row’s name for people who see it. */
function temporaryValue(entity: Entity, field: string, own: string): string {
  const max = entity.fields[field]?.max ?? own.length;
  const mark = ` (moving ${randomBytes(6).toString('hex')})`;
  const room = max - mark.length;
  return room > 0 ? [...own].slice(0, room).join('') + mark : mark.slice(-max);
}

/**
 * Gives temporary values to rows whose unique values change, so that the following update may pass them on in chains
 * and circles: MySQL checks uniqueness row by row, in an order of its own.
 */
export async function giveTemporaryValues(
  on: Queryable,
  entity: Entity,
  rows: { now: Row; after: Row }[],
) {
  for (const field of uniqueFieldsOf(entity)) {
    const moving = rows.filter(({ now, after }) => !isSameValue(now[field], after[field]));
    // A single changed row needs no temporary value: its new one is free, or was held by a removed row.
    if (moving.length > 1) {
      const column = name(field);
      await updateFromLines(
        on,
        {
          head: sql`update ${name(entity.table)} target join (`,
          columns: ['id', field],
          end: sql`) given on given.id = target.id set target.${column} = given.${column}`,
        },
        moving.map(({ now }) => [now.id, temporaryValue(entity, field, textOf(now[field]))]),
      );
    }
  }
}

/** The temporary values of a document and its real ones, by field. */
export type Temporary = Record<string, { value: string; own: string }>;

type Stored = { temporary?: Temporary; [field: string]: unknown };

/** Readers see the real values of a document instead of its temporary ones. */
export function ownValue(stored: Stored, field: string): unknown {
  const temporary = stored.temporary?.[field];
  return temporary && temporary.value === stored[field] ? temporary.own : stored[field];
}

/**
 * A document that gives up its unique values for temporary ones. Its `modified_at` stays, because apps that poll must
 * not take this for its final state.
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
 * A document that another user changed meanwhile, with temporary values replaced by its real ones or by the user’s.
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
