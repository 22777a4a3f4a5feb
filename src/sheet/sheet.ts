// What a sheet shows: facts and plan of a selection, for each kind of sheet; it only reads.
import { keyFrom, keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Stop } from '../environments/environment.ts';
import * as journal from '../writing/journal.ts';
import { rowThatGoes } from './choices.ts';
import { gather, type Facts, type Question } from './facts.ts';
import { planTransfer, type Plan } from './plan.ts';
import type { Selection, SelectionKind } from './selections.ts';
import { planUndo, taken } from './undo-plan.ts';
import { rootOf } from '../catalog/family.ts';
import { unreachable } from '../environments/unreachable.ts';
import type { Road } from './route.ts';

export type Sheet = { plan: Plan; facts: Facts };

/**
 * Plans a selection against both sides as they are now; writes nothing.
 * @throws Unavailable when the destination does not answer
 */
export async function prepare(road: Road, selection: Selection): Promise<Sheet> {
  try {
    return await sheets[selection.kind](road, selection);
  } catch (error) {
    throw unreachable(error, road.there);
  }
}

const sheets: Record<SelectionKind, (road: Road, selection: Selection) => Promise<Sheet>> = {
  transfer: ({ here, there, hostHere, testedForSender = null }, selection) =>
    carrying(here, there, selection, { hostHere, testedForSender }),
  undo: async ({ here, there, testedForSender = null }, { keys, choices, undoes }) => {
    const former = undoes === null ? undefined : await journal.byId(here.sql, undoes);
    const steps = await stepsToUndo(here, undoes, keys);
    const byKey = new Map(steps.map((step) => [keyText(step), step]));
    const facts = await gather(here, there, {
      chosen: steps.map(({ entity, id }) => ({ entity, id })),
      include: [],
      planned: ({ key, there: now }) => {
        const step = byKey.get(keyText(key));
        return step && taken(step, now);
      },
      hostHere: null,
      testedForSender: former?.kind === 'undo' ? testedForSender : null,
    });
    return { facts, plan: planUndo(facts, steps, choices) };
  },
  'bring-back': ({ here, there }, selection) =>
    carrying(here, there, selection, { hostHere: null, books: there }),
};

/** Rows as they are here, to be carried there. */
async function carrying(
  here: Stop,
  there: Stop,
  { keys, choices }: Selection,
  asked: Pick<Question, 'hostHere' | 'testedForSender' | 'books'>,
): Promise<Sheet> {
  const facts = await gather(here, there, {
    chosen: keys,
    include: choices.include.map(keyFrom),
    planned: (sight) => rowThatGoes(sight, choices),
    ...asked,
  });
  return { facts, plan: planTransfer(facts, choices) };
}

/** Steps of a transfer that are taken back: those that were picked, with what belongs to them. */
async function stepsToUndo(here: Stop, id: string | null, keys: RowKey[]) {
  const steps = id === null ? [] : await journal.stepsOf(here.sql, id);
  const picked = new Set(keys.map(keyText));
  return steps.filter((step) => {
    const row = step.after ?? step.before;
    const root = row && rootOf(entityNamed(step.entity), row);
    const isPicked = picked.has(keyText(step)) || (root !== null && picked.has(keyText(root)));
    return step.action !== 'same' && isPicked;
  });
}
