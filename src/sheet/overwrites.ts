// Finds changes at the destination since the base (the content when both sides were last equal) that a plan overwrites.
import { contentFrom, differingFields, isSameValue } from '../catalog/content.ts';
import { fieldEntries, type Content } from '../catalog/entity.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { overwrites } from '../state/status.ts';
import type { PlannedStep } from './planned-step.ts';

/** The base of a row: its content when both sides were last equal. */
export const baseOf = ({ entity, destinationState: stop }: RowPair): Content | null =>
  stop?.base_content ? contentFrom(entity, stop.base_content) : null;

/**
 * Fields changed at the destination since the base; empty when the row has no base. If nobody knows the content of the
 * base any more, these are all fields in which both sides differ.
 */
export function changedThere(pair: RowPair): string[] {
  const base = baseOf(pair) ?? (pair.destinationState?.base_hash ? pair.here : null);
  if (!base || !pair.there) return [];
  const travelling = new Set(
    fieldEntries(pair.entity).flatMap(([name, { local }]) => (local ? [] : [name])),
  );
  return differingFields(pair.entity, base, pair.there).filter((name) => travelling.has(name));
}

/** Whether a step overwrites changes made at the destination, which the user must confirm by typing a word. */
export function needsOverwrite({ action, after, before, pair }: PlannedStep): boolean {
  if (action === 'same' || !pair?.status || !overwrites(pair.status)) return false;
  const isByField = pair.status === 'Changed there' || pair.status === 'Changed on both';
  return isByField
    ? changedThere(pair).some((name) => !isSameValue(after?.[name], before?.[name]))
    : true;
}
