// Rows that cannot be removed, because other rows reference them.
import { titleOf } from '../catalog/entity.ts';
import type { Databases } from '../environments/environment.ts';
import { fromOtherRows, referencingRows } from '../rows/references.ts';
import type { Step } from './journal.ts';
import { ChangedMeanwhile } from './work.ts';

/**
 * Checks that the rows which a write removes are not referenced by rows outside of the write.
 * @throws ChangedMeanwhile when a row outside of the write references one of them
 */
export async function refuseReferenced(place: Databases, steps: Step[]) {
  const removals = steps.filter((step) => step.action === 'remove');
  const uses = await referencingRows(place, removals, { under: true });
  const [use] = fromOtherRows(uses, steps);
  if (use) {
    const { entity, row } = use.referrer;
    const message = `${entity.label.one} “${titleOf(entity, row)}” began to use it meanwhile.`;
    throw new ChangedMeanwhile({
      reason: 'still-used',
      row: { entity: entity.name, id: row.id },
      message,
    });
  }
}
