// The rows of a sheet as its pages list them: overwritten rows first, grouped under their topmost parent row.
import { isSameRow } from '../catalog/content.ts';
import { keyText } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Facts } from './facts.ts';
import { needsOverwrite } from './overwrites.ts';
import type { PlannedStep } from './planned-step.ts';
import type { Selection } from './selections.ts';
import { leaveInput, stepView } from './step-view.ts';

/**
 * Sorts the rows of a sheet: overwritten and removed rows first, unchanged rows that are sent again last. A row stays
 * together with its dependent rows.
 */
export function replacementsFirst(steps: PlannedStep[]): PlannedStep[] {
  const groups = [...Map.groupBy(steps, ({ root }) => keyText(root)).values()];
  const ranked = groups.map((own) => ({ own, rank: Math.min(...own.map(rankOf)) }));
  return ranked.toSorted((one, other) => one.rank - other.rank).flatMap(({ own }) => own);
}

const rankOf = (step: PlannedStep) =>
  step.action === 'remove' || needsOverwrite(step) ? 0 : isSentAgain(step) ? 2 : 1;

/** Whether a row is unchanged at the destination and is sent only to get a new `modified_at`. */
const isSentAgain = ({ entity, before, after }: PlannedStep) =>
  before !== null && isSameRow(entityNamed(entity), before, after);

/** Groups rows under their topmost parent row, and adds to each row its changed fields. */
export function groupsOf(steps: PlannedStep[], facts: Facts, selection: Selection) {
  const chosen = new Set(selection.keys.map(keyText));
  const groups = Map.groupBy(steps, ({ root }) => keyText(root));
  return [...groups].map(([key, own]) => {
    // The topmost parent row is listed above its dependent rows.
    const ordered = own.toSorted(
      (one, other) => Number(keyText(other) === key) - Number(keyText(one) === key),
    );
    return {
      steps: ordered.map((step, index) => {
        const view = stepView(step, facts, selection);
        // What concerns the whole group is shown inside its first row.
        const isFirst = index === 0;
        return {
          ...view,
          tested: isFirst && selection.kind === 'transfer' ? (facts.tested.get(key) ?? null) : null,
          leaves: [...view.leaves, ...(isFirst ? leaveGroup(key, own, chosen, selection) : [])],
        };
      }),
    };
  });
}

/** Returns the checkbox that leaves out the rows of a group; none if the group must stay. */
function leaveGroup(key: string, own: PlannedStep[], chosen: Set<string>, selection: Selection) {
  const keys = keysToLeave(key, own.map(keyText), chosen, selection);
  if (keys.length === 0) return [];
  const text = own.length === 1 ? 'Leave this out' : `Leave these ${own.length} rows out`;
  return [leaveInput(key, keys.join(' '), text)];
}

/**
 * Counts the rows of a transfer that nobody has tested as they are; a row and its dependent rows count as one.
 * `tested` is empty where rows are not tested.
 */
export function countUntested(steps: PlannedStep[], { tested }: Pick<Facts, 'tested'>): number {
  const written = steps.filter(({ action }) => action !== 'same');
  const roots = new Set(written.map(({ root }) => keyText(root)));
  return [...roots].filter((key) => tested.get(key)?.current.length === 0).length;
}

/** Returns the keys that a group’s checkbox leaves out of the selection; empty if the group must stay. */
function keysToLeave(
  root: string,
  keys: string[],
  chosen: Set<string>,
  { kind }: Selection,
): string[] {
  const whole = kind === 'undo' ? keys : keys.includes(root) ? [] : [root];
  const own = whole.filter((key) => chosen.has(key));
  return chosen.size > own.length ? own : [];
}
