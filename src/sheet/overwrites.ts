// Finds changes at the destination since the base (the content when both sides were last equal) that a plan overwrites.
import { differingFields, isSameValue } from '../catalog/content.ts';
import { fieldEntries } from '../catalog/entity.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { overwrites } from '../state/status.ts';
import type { PlannedStep } from './planned-step.ts';

/**
 * Returns the fields that changed at the destination since the base; none if the row has no base. If nobody has the
 * content of the base any more, compares the row at the destination with the row here instead.
 */
export function changedThere(pair: RowPair): string[] {
  const base = pair.base ?? (pair.destinationState?.base_hash ? pair.here : null);
  if (!base || !pair.there) return [];
  const travelling = new Set(
    fieldEntries(pair.entity).flatMap(([name, { local }]) => (local ? [] : [name])),
  );
  return differingFields(pair.entity, base, pair.there).filter((name) => travelling.has(name));
}

/**
 * Whether a step (the planned change of one row) overwrites changes made at the destination, which the user must
 * confirm by typing a word.
 */
export function needsOverwrite({ action, after, before, pair }: PlannedStep): boolean {
  if (action === 'same' || !pair?.status || !overwrites(pair.status)) return false;
  const isByField = pair.status === 'Changed there' || pair.status === 'Changed on both';
  return isByField
    ? changedThere(pair).some((name) => !isSameValue(after?.[name], before?.[name]))
    : true;
}
