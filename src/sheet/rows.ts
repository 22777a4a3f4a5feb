// The rows of a sheet as its pages list them: in sections by type, grouped under their topmost parent row.
import { isSameRow } from '../catalog/content.ts';
import { keyText } from '../catalog/entity.ts';
import { catalog, entityNamed } from '../catalog/index.ts';
import { isUndo } from '../state/transfer-kinds.ts';
import { countsByType } from '../web/format.ts';
import { PAGE_SIZE, paginate } from '../web/paginate.ts';
import type { Facts } from './facts.ts';
import { needsOverwrite } from './overwrites.ts';
import type { PlannedStep } from './planned-step.ts';
import type { Selection } from './selections.ts';
import { leaveInput, stepView } from './step-view.ts';

/** A part of a sheet with its own heading: the rows of one type with their dependent rows, or all replaced rows. */
export type Section = { name: string; heading: string; steps: PlannedStep[] };

/** The section of the rows of all types that are overwritten or removed. A sheet shows this section first. */
const REPLACED = { name: 'replaced', heading: 'Overwritten or removed' };

/**
 * Divides the rows of a sheet into sections: first the overwritten and removed rows, then a section for each type, with
 * unchanged rows that are sent again last. A row stays together with its dependent rows.
 */
export function sectionsOf(steps: PlannedStep[]): Section[] {
  const groups = [...Map.groupBy(steps, ({ root }) => keyText(root)).values()].map((own) => ({
    own,
    rank: Math.min(...own.map(rankOf)),
  }));
  const named = Map.groupBy(
    groups.toSorted((one, other) => one.rank - other.rank),
    ({ own, rank }) => (rank === 0 ? REPLACED.name : (own[0]?.root.entity ?? '')),
  );
  const order = [REPLACED.name, ...catalog.map(({ name }) => name)];
  return order.flatMap((name) => {
    const found = named.get(name);
    if (!found) return [];
    const heading = name === REPLACED.name ? REPLACED.heading : entityNamed(name).label.many;
    return [{ name, heading, steps: found.flatMap(({ own }) => own) }];
  });
}

/**
 * Returns one page of the rows of a sheet. The rows of all sections are counted together, so a page may span sections.
 */
export const pageOfSections = (sections: Section[], wanted: number | null) =>
  paginate(
    sections.flatMap(({ steps }) => steps),
    wanted,
  );

/** Returns the links to the sections, each with the page on which the section begins; none for a single section. */
export function jumpsTo(sections: Section[]) {
  if (sections.length < 2) return [];
  let before = 0;
  return sections.map(({ name, heading, steps }) => {
    const page = Math.floor(before / PAGE_SIZE) + 1;
    before += steps.length;
    return { name, heading, number: steps.length, page };
  });
}

/** Returns the sections on a page as it shows them: their rows in groups, each row with its changed fields. */
export function shownSections(
  sections: Section[],
  shown: PlannedStep[],
  facts: Facts,
  selection: Selection,
) {
  const onPage = new Set(shown);
  return sections.flatMap(({ name, heading, steps }) => {
    const own = steps.filter((step) => onPage.has(step));
    if (own.length === 0) return [];
    return [{ name, heading, types: countsByType(steps), groups: groupsOf(own, facts, selection) }];
  });
}

const rankOf = (step: PlannedStep) =>
  step.action === 'remove' || needsOverwrite(step) ? 0 : isSentAgain(step) ? 2 : 1;

/** Whether a row is unchanged at the destination and is sent only to get a new `modified_at`. */
const isSentAgain = ({ entity, before, after }: PlannedStep) =>
  before !== null && isSameRow(entityNamed(entity), before, after);

/** Groups rows under their topmost parent row, and adds to each row its changed fields. */
function groupsOf(steps: PlannedStep[], facts: Facts, selection: Selection) {
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
        // The test results and the checkbox of a whole group are shown in its first row.
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

/** Returns the checkbox that leaves out the rows of a group; none if the group cannot be left out. */
function leaveGroup(key: string, own: PlannedStep[], chosen: Set<string>, selection: Selection) {
  const keys = keysToLeave(key, own.map(keyText), chosen, selection);
  if (keys.length === 0) return [];
  const text = own.length === 1 ? 'Leave this out' : `Leave these ${own.length} rows out`;
  return [leaveInput(key, keys.join(' '), text)];
}

/**
 * Counts the rows of a transfer that can be tested (`of`), and those of them whose present content nobody has tested
 * (`untested`). A row and its dependent rows count as one. `tested` is empty in environments where rows are not tested.
 */
export function countUntested(steps: PlannedStep[], { tested }: Pick<Facts, 'tested'>) {
  const written = steps.filter(({ action }) => action !== 'same');
  const roots = [...new Set(written.map(({ root }) => keyText(root)))].flatMap(
    (key) => tested.get(key) ?? [],
  );
  return { untested: roots.filter(({ current }) => current.length === 0).length, of: roots.length };
}

/**
 * Returns the keys that the checkbox of a group removes from the selection; empty if the group cannot be left out, for
 * example because the selection would then have no rows.
 */
function keysToLeave(
  root: string,
  keys: string[],
  chosen: Set<string>,
  selection: Selection,
): string[] {
  const whole = isUndo(selection) ? keys : keys.includes(root) ? [] : [root];
  const own = whole.filter((key) => chosen.has(key));
  return chosen.size > own.length ? own : [];
}
