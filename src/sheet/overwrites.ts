// What a plan would replace of what was changed at the destination since both sides were last equal.
import { contentFrom, differingFields, isSameValue } from '../catalog/content.ts';
import { fieldEntries, type Content } from '../catalog/entity.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { overwrites } from '../state/status.ts';
import type { PlannedStep } from './planned-step.ts';

/** The content at which both sides were last known to be equal. */
export const baseOf = ({ entity, destinationState: stop }: RowPair): Content | null =>
  stop?.base_content ? contentFrom(entity, stop.base_content) : null;

/** Names of the fields that were changed there since the base; none when no base is known. */
export function changedThere(pair: RowPair): string[] {
  const base = baseOf(pair);
  if (!base || !pair.there) return [];
  const travelling = new Set(
    fieldEntries(pair.entity).flatMap(([name, { local }]) => (local ? [] : [name])),
  );
  return differingFields(pair.entity, base, pair.there).filter((name) => travelling.has(name));
}

/** Does a step replace or remove what the other side has of its own? Then a word is asked for. */
export function needsOverwrite({ action, after, before, pair }: PlannedStep): boolean {
  if (action === 'same' || !pair?.status || !overwrites(pair.status)) return false;
  const isByField = pair.status === 'Changed there' || pair.status === 'Changed on both';
  return isByField
    ? changedThere(pair).some((name) => !isSameValue(after?.[name], before?.[name]))
    : true;
}
