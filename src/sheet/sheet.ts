// For each kind of sheet (transfer, undo, restore, takeover): reads the rows of both sides and all other facts that the
// plan needs, and makes the plan. Writes nothing.
import { keyFrom, keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import type { Environment } from '../environments/environment.ts';
import * as journal from '../writing/journal.ts';
import { rowToSend } from './choices.ts';
import type { Facts, FactsQuery } from './facts.ts';
import { gatherFacts } from './gather-facts.ts';
import { planTransfer, type Plan } from './plan.ts';
import type { Selection, SelectionKind } from './selections.ts';
import { planUndo, rowBefore } from './undo-plan.ts';
import { rootOf } from '../catalog/family.ts';
import { askFarSide } from '../environments/far-side.ts';
import { farSideOf, type Route } from './route.ts';

export type Sheet = { plan: Plan; facts: Facts };

/**
 * Plans a selection from the present rows of the source and the destination; writes nothing.
 * @throws Unavailable when the other environment does not answer
 */
export function prepareSheet(route: Route, selection: Selection): Promise<Sheet> {
  return askFarSide(farSideOf(route), () => sheets[selection.kind](route, selection));
}

const sheets: Record<SelectionKind, (route: Route, selection: Selection) => Promise<Sheet>> = {
  transfer: (
    { from: here, to: there, hostHere, otherHosts = {}, testedForSender = null },
    selection,
  ) => sheetOfRows(here, there, selection, { hostHere, otherHosts, testedForSender }),
  undo: sheetOfUndo,
  'undo-here': sheetOfUndo,
  restore: ({ from: here, to: there }, selection) =>
    sheetOfRows(here, there, selection, { hostHere: null, syncStateIn: there }),
  takeover: ({ from: here, to: there }, selection) =>
    sheetOfRows(here, there, selection, {
      hostHere: null,
      syncStateIn: there,
      isTakeover: true,
    }),
};

async function sheetOfUndo(
  { from: here, to: there, testedForSender = null }: Route,
  { keys, choices, undoes, kind }: Selection,
): Promise<Sheet> {
  const former = undoes === null ? undefined : await journal.byId(here.sql, undoes);
  const all = undoes === null ? [] : await journal.stepsOf(here.sql, undoes, there);
  const steps = stepsToUndo(all, keys);
  const facts = await gatherFacts(here, there, {
    chosen: steps.map(({ entity, id }) => ({ entity, id })),
    include: [],
    planned: restoredFrom(steps),
    plannedAlong: restoredFrom(all),
    hostHere: null,
    testedForSender: former?.kind === 'undo' ? testedForSender : null,
    ...(kind === 'undo-here' ? { syncStateIn: there } : {}),
  });
  return { facts, plan: planUndo(facts, steps, choices) };
}

/** Plans a transfer, a restore or a takeover, which sends rows as they are in the source environment. */
async function sheetOfRows(
  here: Environment,
  there: Environment,
  selection: Selection,
  asked: Pick<
    FactsQuery,
    'hostHere' | 'otherHosts' | 'testedForSender' | 'syncStateIn' | 'isTakeover'
  >,
): Promise<Sheet> {
  const { keys, choices } = selection;
  const facts = await gatherFacts(here, there, {
    chosen: keys,
    include: choices.include.map(keyFrom),
    planned: (pair) => rowToSend(pair, choices),
    plannedAlong: (pair) => (isWorkOf(selection.kind, pair) ? rowToSend(pair, choices) : undefined),
    ...asked,
  });
  return { facts, plan: planTransfer(facts, choices) };
}

/**
 * Whether adding this row to the transfer would send changes. A restore or takeover also sends a row that changed only
 * at its destination, to replace that change.
 */
const isWorkOf = (kind: SelectionKind, { status }: RowPair) =>
  (status === 'Changed there' && kind !== 'transfer') ||
  status === 'Changed here' ||
  status === 'Changed on both' ||
  status === 'Deleted here' ||
  status === 'Deleted here, changed there';

/**
 * For an undo: returns the function `planned` of FactsQuery, which returns the content that a row gets when its step is
 * undone; undefined for a row without a step.
 */
function restoredFrom(steps: journal.Step[]) {
  const byKey = new Map(steps.map((step) => [keyText(step), step]));
  return ({ key, there }: RowPair) => {
    const step = byKey.get(keyText(key));
    return step && rowBefore(step, there);
  };
}

/**
 * Returns the steps of a transfer (each the change of one row) that changed the chosen rows or their dependent rows.
 */
function stepsToUndo(steps: journal.Step[], keys: RowKey[]) {
  const picked = new Set(keys.map(keyText));
  return steps.filter((step) => {
    const row = step.after ?? step.before;
    const root = row && rootOf(entityNamed(step.entity), row);
    const isPicked = picked.has(keyText(step)) || (root !== null && picked.has(keyText(root)));
    return step.action !== 'same' && isPicked;
  });
}
