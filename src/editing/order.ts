// The order of dependent rows below their parent row, such as the fields of a form: each row has its own order number.
import { titleOf, type Content, type Entity, type Row } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import { readBy } from '../rows/store.ts';

/** Reads the rows that belong to the same parent row as `content`, which may be one of them. */
export async function siblingsOf(
  here: Environment,
  entity: Entity,
  content: Content,
): Promise<Row[]> {
  const parent = entity.owner ? content[entity.owner] : null;
  return entity.owner && typeof parent === 'number' && parent > 0
    ? readBy(here, entity, entity.owner, [parent])
    : [];
}

const numberIn = ({ order }: Entity, content: Content): number | null => {
  const value = order ? content[order] : null;
  return typeof value === 'number' ? value : null;
};

/** Returns the order number of a new row: one more than the highest order number among its siblings. */
export const nextOrder = (entity: Entity, siblings: readonly Content[]): number =>
  1 + Math.max(0, ...siblings.map((one) => numberIn(entity, one) ?? 0));

/** Sorts siblings by their order number. Rows without an order number come last. */
export const inOrder = <T>(entity: Entity, rows: T[], contentOf: (row: T) => Content): T[] =>
  rows.toSorted((one, other) => {
    const [first, second] = [one, other].map((row) => numberIn(entity, contentOf(row)));
    return (first ?? Infinity) === (second ?? Infinity)
      ? 0
      : (first ?? Infinity) - (second ?? Infinity);
  });

/** A dependent row, in a list of all dependent rows of one parent row. */
export type Sibling = { ref: string; content: Content; isNew?: boolean };

/**
 * Returns an error message, by `ref`, for each row whose new order number another row has, too. A row that keeps its
 * order number gets no message, because it may have shared this number before.
 */
export function tiedOrders(entity: Entity, rows: readonly Sibling[]): Map<string, string> {
  const found = new Map<string, string>();
  const next = nextOrder(
    entity,
    rows.map(({ content }) => content),
  );
  for (const row of rows.filter(({ isNew }) => isNew)) {
    const number = numberIn(entity, row.content);
    const holder = rows.find(
      (one) => one !== row && number !== null && numberIn(entity, one.content) === number,
    );
    if (holder) {
      const title = titleOf(entity, { id: 0, modified_at: '', ...holder.content });
      found.set(row.ref, `Order ${number} is already that of “${title}”. Number ${next} is free`);
    }
  }
  return found;
}
