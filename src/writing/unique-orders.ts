// Prevents two saves at the same instant from giving two rows of one parent row the same order number, such as two
// fields of a form. Each save alone has compared its order numbers with the stored ones; this code compares them once
// more under a lock.
import { titleOf, type Entity } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import type { Databases } from '../environments/environment.ts';
import { readBy } from '../rows/store.ts';
import type { Step } from './journal.ts';
import type { Draft } from './transfer.ts';
import { ChangedMeanwhile } from './work.ts';

/** The rows of one entity to which a save gives another order number or another parent row. */
type Moved = { entity: Entity; field: string; owner: string; steps: Step[]; ids: Set<number> };

/**
 * Returns the rows to which a save gives another order number or parent row. Returns none for a transfer or refresh,
 * which copies the order numbers of another environment: rows that share a number in that environment must not prevent
 * it.
 */
export function movedIn({
  transfer,
  steps,
}: {
  transfer: Pick<Draft, 'kind'>;
  steps: Step[];
}): Moved[] {
  if (transfer.kind !== 'save') return [];
  return [...Map.groupBy(steps, (step) => step.entity)].flatMap(([name, own]): Moved[] => {
    const entity = entityNamed(name);
    const { order: field, owner } = entity;
    if (field === null || owner === null) return [];
    const moved = own.filter(
      ({ before, after }) =>
        typeof after?.[field] === 'number' &&
        [field, owner].some((one) => before?.[one] !== after[one]),
    );
    const ids = new Set(own.map(({ id }) => id));
    return moved.length === 0 ? [] : [{ entity, field, owner, steps: moved, ids }];
  });
}

/**
 * Checks that no other row of the same parent row has one of these order numbers.
 * @throws ChangedMeanwhile when another row has one
 */
export async function refuseSharedOrders(place: Databases, moved: Moved[]) {
  for (const { entity, field, owner, steps, ids } of moved) {
    const parents = [...new Set(steps.map(({ after }) => Number(after?.[owner])))];
    const stored = await readBy(place, entity, owner, parents);
    const others = stored.filter(({ id }) => !ids.has(id));
    for (const { id, after } of steps) {
      const other = others.find(
        (row) => row[owner] === after?.[owner] && row[field] === after?.[field],
      );
      if (other) {
        throw new ChangedMeanwhile({
          reason: 'unique-taken',
          row: { entity: entity.name, id },
          message: `Order ${Number(other[field])} was given meanwhile to ${lowerFirst(entity.label.one)} “${titleOf(entity, other)}”.`,
        });
      }
    }
  }
}
