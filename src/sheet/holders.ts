// Finds the rows at the destination that already hold a unique value which a plan would write.
import { isSameValue } from '../catalog/content.ts';
import { keyText, titleOf, type Row, type RowKey } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { travelling } from '../catalog/index.ts';
import { uniqueFieldsOf, uniqueKey } from '../catalog/unique-values.ts';
import { comparePairs, type RowPair } from '../comparison/compare-pairs.ts';
import type { Queryable } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { rowsWithUniqueValue } from '../rows/store.ts';

/** A row outside the plan that holds a unique value which the plan needs. */
export type OtherHolder = {
  title: string;
  isHere: boolean;
  /**
   * The row as it would be at the destination if the user added it to the transfer; null if the transfer would remove
   * the row, undefined if the transfer would not change it.
   */
  after: Row | null | undefined;
};

type Wanted = RowKey & { before: Row | null; after: Row | null };

/**
 * The longest chain of rows to follow, where each row needs a unique value that the next row holds. If a chain is
 * longer, the sheet offers its first rows, and the other rows once the user has added these.
 */
const ROUNDS = 10;

export async function gatherHolders(
  { here, there, basesIn }: { here: Databases; there: Databases; basesIn: Queryable },
  steps: Wanted[],
  planned: (pair: RowPair) => Row | null | undefined,
) {
  const holders = new Map<string, number>();
  const otherHolders = new Map<string, OtherHolder>();
  const known = new Set(steps.map(keyText));
  let wanted = steps;
  for (let round = 0; round < ROUNDS && wanted.length > 0; round += 1) {
    const others: RowKey[] = [];
    for (const [key, holder] of await holdersOf(there, wanted)) {
      holders.set(key, holder.id);
      if (!known.has(keyText(holder))) others.push(holder);
      known.add(keyText(holder));
    }
    wanted = [];
    const pairs = others.length > 0 ? await comparePairs(here, there, others, { basesIn }) : null;
    for (const key of others) {
      const pair = pairs?.get(keyText(key));
      const row = pair?.here ?? pair?.there;
      if (pair && row) {
        const after = planned(pair);
        const title = titleOf(pair.entity, row);
        otherHolders.set(keyText(key), { title, isHere: pair.here !== null, after });
        if (after) wanted.push({ ...key, before: pair.there, after });
      }
    }
  }
  return { holders, otherHolders };
}

/** Finds the rows that hold the unique values of these rows, except values that a row has at the destination already. */
async function holdersOf(there: Databases, wanted: Wanted[]): Promise<Map<string, RowKey>> {
  const found = new Map<string, RowKey>();
  for (const entity of travelling) {
    for (const field of uniqueFieldsOf(entity)) {
      const values = wanted.flatMap(({ entity: name, before, after }) =>
        name === entity.name && after && !isSameValue(before?.[field], after[field])
          ? [textOf(after[field])]
          : [],
      );
      for (const { id, value, isExact } of await rowsWithUniqueValue(
        there,
        entity,
        field,
        values,
      )) {
        const key = uniqueKey(entity, field, value);
        if (isExact || !found.has(key)) found.set(key, { entity: entity.name, id });
      }
    }
  }
  return found;
}
