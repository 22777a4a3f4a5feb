// Everything that stands in a transfer's way, all at once, each with its way out. One small function a reason.
import { keyText } from '../../catalog/entity.ts';
import { entityNamed } from '../../catalog/index.ts';
import { lower } from '../../catalog/lower-first.ts';
import { rung } from '../../environments/rules.ts';
import type { Choices } from '../choices.ts';
import type { Facts } from '../facts.ts';
import { engineering, holds, overwritten, undone, untested } from './review.ts';
import { coinciding, deletions, names, used } from './references.ts';
import { hostNames, images, localValues, shape, uniqueness } from './shape.ts';
import type { PlannedStep } from '../planned-step.ts';
import { type Problem, called, keyOf, type Words } from '../problem.ts';

export function problemsOf(
  facts: Facts,
  choices: Choices,
  steps: PlannedStep[],
  words: Words,
): Problem[] {
  const written = steps.filter((step) => step.action !== 'same');
  return [
    ...destination(facts),
    ...unknown(facts),
    ...engineering(facts, written),
    ...holds(facts, written),
    ...overwritten(facts, words, written),
    ...undone(facts, choices, written),
    ...untested(facts, written),
    ...deletions(facts, words, written),
    ...used(facts, written),
    ...names(facts, choices, written),
    ...coinciding(facts, written),
    ...shape(facts, written),
    ...localValues(choices, written),
    ...uniqueness(facts, written),
    ...claimed(facts, written),
    ...images(facts, written),
    ...hostNames(facts, written),
  ];
}

/**
 * An undo brings nothing new, so the destination alone can stand in its way; but an undo of an undo brings back
 * what was taken away, and is asked what a transfer is asked.
 */
export const problemsOfUndo = (facts: Facts, choices: Choices, steps: PlannedStep[]): Problem[] => [
  ...destination(facts),
  ...undone(facts, choices, steps),
  ...untested(facts, steps),
  ...names(facts, choices, steps),
  ...shape(facts, steps),
  ...uniqueness(facts, steps),
  ...claimed(facts, steps),
];

function destination({ version, to }: Facts): Problem[] {
  const { label } = rung(to);
  if (version === null) {
    const message = `${label} does not say which version its database has, so nothing is written there. An engineer runs “oneway db migrate” there.`;
    return [{ reason: 'no-version', row: null, message, ways: [{ kind: 'engineer' }] }];
  }
  if (!version.isUpdating) return [];
  const message = `${label} is being updated. Nothing is written there until that is over.`;
  return [{ reason: 'updating', row: null, message, ways: [{ kind: 'wait' }] }];
}

export function unknown({ chosen, sights, from }: Facts): Problem[] {
  return chosen.flatMap((key) => {
    const sight = sights.get(keyText(key));
    if (sight?.status || sight?.state?.deleted_at) return [];
    const { label } = entityNamed(key.entity);
    const message = `There is no ${lower(label.one)} ${key.id} in ${rung(from).inText}.`;
    return [{ reason: 'unknown-row' as const, row: key, message, ways: [] }];
  });
}

function claimed({ claims }: Facts, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) => {
    const claim = claims.find((one) => one.entity === step.entity && one.row_id === step.id);
    if (!claim) return [];
    const message = `${called(step)} is being written by transfer ${claim.number} from ${claim.origin} (${claim.person}, since ${claim.since.slice(11, 19)} UTC).`;
    return [
      {
        reason: 'being-written' as const,
        row: keyOf(step),
        message,
        ways: [{ kind: 'wait' as const }],
      },
    ];
  });
}
