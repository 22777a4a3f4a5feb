// The names that planned rows are linked with.
import { linkedNamesOf, type LinkedName, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Step } from '../writing/journal.ts';

/** Every linked name once, in the destination’s spelling, with the last row that is linked with it. */
export function linkedNames(steps: Step[]): (LinkedName & { row: RowKey })[] {
  const found = new Map<string, LinkedName & { row: RowKey }>();
  for (const { entity, id, action, after } of steps) {
    for (const linked of action === 'same' ? [] : linkedNamesOf(entityNamed(entity), after)) {
      found.set(`${linked.entity}:${linked.name}`, { ...linked, row: { entity, id } });
    }
  }
  return [...found.values()];
}
