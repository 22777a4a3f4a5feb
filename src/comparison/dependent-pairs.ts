// Finds the pairs of dependent rows among compared rows.
import { keyText, type RowKey } from '../catalog/entity.ts';
import { rootOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import { withDependents, type Status } from '../state/status.ts';
import type { RowPair } from './compare-pairs.ts';

/** Computes the status of a row together with its dependent rows. */
export function statusWithDependents(pairs: Map<string, RowPair>, root: RowKey): Status | null {
  const own = pairs.get(keyText(root));
  if (!own?.status) return null;
  const dependents = dependentPairs(pairs, root).flatMap(({ status }) => status ?? []);
  return withDependents(own.status, dependents);
}

export function dependentPairs(pairs: Map<string, RowPair>, root: RowKey): RowPair[] {
  const { dependents } = entityNamed(root.entity);
  return dependents.length === 0 ? [] : (byOwner(pairs).get(keyText(root)) ?? []);
}

const owned = new WeakMap<
  Map<string, RowPair>,
  { size: number; byOwner: Map<string, RowPair[]> }
>();

/**
 * Groups dependent rows by the key text of their parent row. The result is cached until pairs are
 * added.
 */
function byOwner(pairs: Map<string, RowPair>): Map<string, RowPair[]> {
  const known = owned.get(pairs);
  if (known?.size === pairs.size) return known.byOwner;
  const found = Map.groupBy(pairs.values(), ({ entity, here, there }) => {
    const row = here ?? there;
    return entity.owner && row ? keyText(rootOf(entity, row)) : '';
  });
  owned.set(pairs, { size: pairs.size, byOwner: found });
  return found;
}
