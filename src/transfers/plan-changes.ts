// Finds what has changed since someone asked for approval: compares the rows of the plan for which approval was asked
// with the rows of the present plan.
import { hashOf } from '../catalog/content.ts';
import { keyFrom, keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { PlannedStep } from '../sheet/planned-step.ts';
import type { Plan } from '../sheet/plan.ts';
import { describe } from '../sheet/problem.ts';

/**
 * The rows of a plan by row key. Each has the shortened hashes of its content at the destination before the transfer
 * and after it.
 */
export type PlanRows = Record<string, [before: string, after: string]>;

export const planRows = ({ steps }: Pick<Plan, 'steps'>): PlanRows =>
  Object.fromEntries(
    steps.map((step) => [keyText(step), [hashFor(step, step.before), hashFor(step, step.after)]]),
  );

/** How many characters of a hash are kept: enough to notice a change. */
const LENGTH = 12;

const hashFor = ({ entity }: PlannedStep, row: Row | null) =>
  row === null ? '' : hashOf(entityNamed(entity), row).slice(0, LENGTH);

type Ends = { from: { inText: string }; to: { inText: string } };

/** Returns a sentence about each row that has changed since approval was asked for; empty if no row has changed. */
export function changesSince(then: PlanRows, plan: Pick<Plan, 'steps'>, { from, to }: Ends) {
  const now = planRows(plan);
  const added = plan.steps
    .filter((step) => !then[keyText(step)])
    .map((step) => `${describe(step)} was added.`);
  const changed = plan.steps.flatMap((step) => {
    const [was, is] = [then[keyText(step)], now[keyText(step)]];
    if (!was || !is) return [];
    const sides = [
      ...(was[1] === is[1] ? [] : [`changed in ${from.inText} or on the sheet`]),
      ...(was[0] === is[0] ? [] : [`changed in ${to.inText}`]),
    ];
    return sides.length === 0 ? [] : [`${describe(step)} was ${sides.join(' and ')}.`];
  });
  const gone = Object.keys(then)
    .filter((text) => !now[text])
    .map((text) => {
      const { entity, id } = keyFrom(text);
      return `${entityNamed(entity).label.one} ${id} is not part of it any more.`;
    });
  return [...changed, ...added, ...gone];
}
