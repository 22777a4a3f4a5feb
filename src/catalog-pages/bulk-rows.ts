// Reads the rows that a user chose for an action on many rows, and separates the rows to change from the rows to skip.
import { hash } from 'node:crypto';
import { keyText, titleOf, type Entity, type RowKey } from '../catalog/entity.ts';
import { read } from '../rows/store.ts';
import { recordedStates } from '../state/untouched.ts';
import type { WriteContext } from '../writing/changes.ts';
import type { BulkAction, BulkTarget, BulkValues } from './bulk-actions.ts';

/** A row that an action skips. */
export type Skipped = { title: string; why: string };

type Refused = Skipped & { id: number };

/**
 * The id of a row on the confirmation page, and the state that the page showed. The action changes
 * the row only if the state is still the same.
 */
export type SeenRow = [id: number, seen: string];

/** How many rows are read at once. */
const PART = 500;

/**
 * Reads the given rows in parts. Returns the rows that an action would change, the rows that it
 * would skip, and those that would refuse the value.
 */
export async function lookAt(
  writes: WriteContext,
  entity: Entity,
  { action, values }: { action: BulkAction; values: BulkValues },
  keys: RowKey[],
) {
  const targets: BulkTarget[] = [];
  const refused: Refused[] = [];
  const skipped: Skipped[] = [];
  for (let from = 0; from < keys.length; from += PART) {
    const part = keys.slice(from, from + PART);
    const rows = await read(writes.here, part);
    const states = await recordedStates(writes.here, rows);
    const here = part.flatMap((key) => {
      const row = rows.get(keyText(key));
      return row ? [{ key, row, state: states.get(keyText(key)) }] : [];
    });
    skipped.push(...part.filter((key) => !rows.has(keyText(key))).map((key) => gone(entity, key)));
    const looked = await action.look(writes, entity, here, values);
    for (const [index, { key, row }] of here.entries()) {
      const { skip, isRefused, seen } = looked[index] ?? { skip: null, seen: '' };
      const title = titleOf(entity, row);
      if (skip === null) targets.push({ entity, key, title, seen });
      else if (isRefused) refused.push({ id: row.id, title, why: skip });
      else skipped.push({ title, why: skip });
    }
  }
  return { targets, skipped, refused };
}

/** Reads the rows that a confirmation page showed. Rows that were deleted meanwhile are skipped. */
export async function targetsOf({ here }: WriteContext, entity: Entity, seenRows: SeenRow[]) {
  const keyed = seenRows.map(([id, seen]) => ({ key: { entity: entity.name, id }, seen }));
  const rows = await read(
    here,
    keyed.map(({ key }) => key),
  );
  const targets: BulkTarget[] = [];
  const skipped: Skipped[] = [];
  for (const { key, seen } of keyed) {
    const row = rows.get(keyText(key));
    if (row) targets.push({ entity, key, title: titleOf(entity, row), seen });
    else skipped.push(gone(entity, key));
  }
  return { targets, skipped };
}

const gone = ({ label }: Entity, { id }: RowKey): Skipped => ({
  title: `${label.one} ${id}`,
  why: 'not here any more',
});

export const seenOf = (targets: BulkTarget[]): SeenRow[] =>
  targets.map(({ key, seen }) => [key.id, seen]);

/**
 * Returns a digest of the chosen rows and their states, whatever the order of the rows. A later
 * digest is equal only if the same rows are found and none of them has changed.
 */
export const digestOf = (targets: BulkTarget[]): string =>
  hash('sha256', JSON.stringify(seenOf(targets).toSorted(([one], [other]) => one - other)));
