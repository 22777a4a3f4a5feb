// Finds all problems of a plan, each with its solutions. Each function finds the problems of one reason or group.
import { keyText } from '../../catalog/entity.ts';
import { entityNamed } from '../../catalog/index.ts';
import { lowerFirst } from '../../catalog/lower-first.ts';
import { rulesOf } from '../../environments/rules.ts';
import { indexByKey } from '../../state/row-state.ts';
import { exactly } from '../../web/format.ts';
import type { Choices } from '../choices.ts';
import type { Facts } from '../facts.ts';
import { engineering, holds, overwritten, undone, untested } from './review.ts';
import { coinciding, deletions, names, otherNames, used } from './references.ts';
import { hostNames } from './host-names.ts';
import { images, localValues, shape, unfit } from './shape.ts';
import { uniqueness } from './uniqueness.ts';
import type { PlannedStep } from '../planned-step.ts';
import { type Problem, describe, keyOf, type TypedWords } from '../problem.ts';

export function problemsOf(
  facts: Facts,
  choices: Choices,
  steps: PlannedStep[],
  words: TypedWords,
): Problem[] {
  const written = steps.filter((step) => step.action !== 'same');
  return [
    ...destination(facts),
    ...unknown(facts),
    ...(facts.isTakeover ? [] : engineering(facts, written)),
    ...(facts.isTakeover ? [] : holds(facts, written)),
    ...overwritten(facts, words, written),
    ...undone(facts, choices, written),
    ...untested(facts, written),
    ...deletions(facts, words, written),
    ...used(facts, written),
    ...names(facts, choices, written),
    ...otherNames(facts, written),
    ...coinciding(facts, written),
    ...shape(facts, written),
    ...unfit(written),
    ...localValues(choices, written),
    ...uniqueness(facts, written),
    ...claimed(facts, written),
    ...images(facts, written),
    ...hostNames(facts, written),
  ];
}

/**
 * Finds the problems of an undo. An undo restores former content, so neither a change here nor the mark *Not for
 * production* prevents it. The undo of an undo sends content again, so it also needs test results and a confirmation.
 */
export const problemsOfUndo = (facts: Facts, choices: Choices, steps: PlannedStep[]): Problem[] => [
  ...destination(facts),
  // An undo of a write into this environment sends nothing to the destination, where content may have been undone.
  ...(facts.isWrittenHere ? [] : undone(facts, choices, steps)),
  ...untested(facts, steps),
  ...names(facts, choices, steps),
  ...shape(facts, steps),
  ...uniqueness(facts, steps),
  ...claimed(facts, steps),
];

/**
 * Offers to edit a row of the plan only where the plan sends rows of this environment. What is written here comes from
 * another environment or from the history, so an edit here would change nothing.
 */
export function withEditsThatHelp(
  { isWrittenHere }: Facts,
  steps: PlannedStep[],
  problems: Problem[],
): Problem[] {
  if (!isWrittenHere) return problems;
  const going = new Set(steps.map(keyText));
  return problems.map((problem) => ({
    ...problem,
    solutions: problem.solutions.filter(
      (one) => one.kind !== 'edit' || !going.has(keyText(one.key)),
    ),
  }));
}

function destination({ version, to }: Facts): Problem[] {
  const { label } = rulesOf(to);
  if (version === null) {
    const message = `${label} does not say which version its database has, so nothing is written there. An engineer runs “oneway db migrate” there.`;
    return [{ reason: 'no-version', row: null, message, solutions: [{ kind: 'engineer' }] }];
  }
  if (!version.isUpdating) return [];
  const message = `${label} is being updated. Nothing is written there until that is over.`;
  return [{ reason: 'updating', row: null, message, solutions: [{ kind: 'wait' }] }];
}

function unknown({ chosen, pairs, from }: Facts): Problem[] {
  return chosen.flatMap((key) => {
    const pair = pairs.get(keyText(key));
    if (pair?.status || pair?.state?.deleted_at) return [];
    const { label } = entityNamed(key.entity);
    const message = `There is no ${lowerFirst(label.one)} ${key.id} in ${rulesOf(from).inText}.`;
    return [{ reason: 'unknown-row' as const, row: key, message, solutions: [] }];
  });
}

function claimed({ claims }: Facts, steps: PlannedStep[]): Problem[] {
  // Of two claims on a row, the first one, which is in the sending environment, is named.
  const byRow = indexByKey(claims.toReversed());
  return steps.flatMap((step) => {
    const claim = byRow.get(keyText(step));
    if (!claim) return [];
    const message = `${describe(step)} is being written by transfer ${claim.number} from ${claim.origin} (${claim.person}, since ${exactly(claim.since)}).`;
    return [
      {
        reason: 'being-written' as const,
        row: keyOf(step),
        message,
        solutions: [{ kind: 'wait' as const }],
      },
    ];
  });
}
