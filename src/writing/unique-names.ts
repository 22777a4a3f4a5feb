// Prevents two rows from having names that are spelled differently but count as equal. No index of MySQL or MongoDB can
// enforce this rule, so transfers and saves that set names of the same entity take a lock and run one after another.
import type { PoolConnection } from 'mysql2/promise';
import { fieldEntries, labelOf, type Entity, type Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { isSameName } from '../catalog/name-key.ts';
import { first, sql } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { rowsWithUniqueValue } from '../rows/store.ts';
import type { Draft } from './transfer.ts';
import { ChangedMeanwhile, type Work } from './work.ts';

/** The values that a write sets in one unique field, and the ids of the rows that it writes. */
type Named = { entity: Entity; field: string; values: string[]; ids: Set<number> };

/**
 * Returns the unique names that a write sets. Returns none for a refresh: production’s names may be
 * older than the rule for unique names, and a refresh must copy them anyway.
 */
export function namedIn({
  transfer,
  steps,
}: Pick<Work, 'steps'> & { transfer: Pick<Draft, 'kind'> }): Named[] {
  if (transfer.kind === 'refresh') return [];
  return [...new Set(steps.map((step) => step.entity))].toSorted().flatMap((name) => {
    const entity = entityNamed(name);
    const own = steps.filter((step) => step.entity === name);
    const ids = new Set(own.map((step) => step.id));
    return fieldEntries(entity).flatMap(([field, { unique }]): Named[] => {
      const values = unique ? own.flatMap((step) => newValue(field, step)) : [];
      return values.length === 0 ? [] : [{ entity, field, values, ids }];
    });
  });
}

function newValue(field: string, { before, after }: { before: Row | null; after: Row | null }) {
  const value = textOf(after?.[field]);
  const isKept = before !== null && isSameName(textOf(before[field]), value);
  return after === null || isKept ? [] : [value];
}

/**
 * All databases of a MySQL server share its named locks, so the name of a lock contains the name of
 * the database. MySQL allows at most 64 characters.
 */
const lockName = ({ name }: Entity, field: string) =>
  sql`concat('oneway-', left(sha2(concat(database(), ${` ${name}.${field}`}), 256), 40))`;

const textOfPlace = ({ entity, field }: UniqueField) => `${entity.name}.${field}`;

/** How many seconds a writer waits for the lock. */
const PATIENCE = 5;

/** A field whose values no two rows may share, or no two rows of one parent row. */
export type UniqueField = { entity: Entity; field: string };

/**
 * Locks these fields, so that no other write sets their values meanwhile. The locks last until they are released, or
 * until the connection ends.
 */
export async function lockFields(connection: PoolConnection, fields: UniqueField[]) {
  // All writers lock in the same order, so that none waits for another one that waits for it.
  const places = fields.toSorted((one, other) => (textOfPlace(one) < textOfPlace(other) ? -1 : 1));
  for (const { entity, field } of places) {
    const line = await first<{ taken: number | null }>(
      connection,
      sql`select get_lock(${lockName(entity, field)}, ${PATIENCE}) as taken`,
    );
    if (line?.taken !== 1) {
      const message = `Other ${lowerFirst(entity.label.many)} are being saved.`;
      throw new ChangedMeanwhile({ reason: 'busy', row: null, message });
    }
  }
}

export async function unlockFields(connection: PoolConnection, fields: UniqueField[]) {
  for (const { entity, field } of fields) {
    await first(connection, sql`select release_lock(${lockName(entity, field)})`);
  }
}

/**
 * Checks that no other row has one of these names.
 * @throws ChangedMeanwhile when another row has one
 */
export async function refuseTaken(place: Databases, named: Named[]) {
  for (const { entity, field, values, ids } of named) {
    const holders = await rowsWithUniqueValue(place, entity, field, values);
    const other = holders.find(({ id }) => !ids.has(id));
    if (other) {
      const [id, ...more] = ids;
      throw new ChangedMeanwhile({
        reason: 'unique-taken',
        row: id !== undefined && more.length === 0 ? { entity: entity.name, id } : null,
        message: `${labelOf(entity, field)} “${other.value}” was taken meanwhile by ${lowerFirst(entity.label.one)} ${other.id}.`,
      });
    }
  }
}
