// Problems that a person must review: changes by engineering, rows marked *Not for production*, changes at the
// destination, content that was undone there, and missing test results.
import { hashOf } from '../../catalog/content.ts';
import { keyText, labelOf, type RowKey } from '../../catalog/entity.ts';
import { entityNamed } from '../../catalog/index.ts';
import { lowerFirst } from '../../catalog/lower-first.ts';
import { rulesOf } from '../../environments/rules.ts';
import type { RowState } from '../../state/row-state.ts';
import { DELETED } from '../../state/undone-contents.ts';
import type { Choices } from '../choices.ts';
import type { RowPair } from '../../comparison/compare-pairs.ts';
import { dependentPairs } from '../../comparison/dependent-pairs.ts';
import { shownStatus, type Facts } from '../facts.ts';
import { needsOverwrite } from '../overwrites.ts';
import { worksForOthers, type TestStatus } from '../../state/test-results.ts';
import type { PlannedStep } from '../planned-step.ts';
import { describe, keyOf, type Problem, type TypedWords } from '../problem.ts';

/**
 * Reports rows whose content was undone at the destination: the user must confirm that the same content is sent again.
 * A row and its dependent rows make one problem.
 */
export function undone(
  { to, pairs }: Facts,
  { again }: Pick<Choices, 'again'>,
  steps: PlannedStep[],
): Problem[] {
  const found = new Map<string, Problem & { solutions: { kind: 'again'; keys: RowKey[] }[] }>();
  for (const step of steps) {
    const stop = step.pair?.destinationState;
    const content = step.after ? hashOf(entityNamed(step.entity), step.after) : DELETED;
    if (stop?.undone_hash === content && !again.includes(keyText(step))) {
      const root = keyText(step.root);
      const keys = [...(found.get(root)?.solutions[0]?.keys ?? []), keyOf(step)];
      const title = pairs.get(root)?.state?.title ?? step.title;
      const whole = `${entityNamed(step.root.entity).label.one} “${title}”`;
      const what = keys.some((key) => keyText(key) === root)
        ? `${whole} was`
        : keys.length === 1
          ? `${describe(step)} of ${lowerFirst(whole)} was`
          : `${keys.length} rows of ${lowerFirst(whole)} were`;
      const why = stop.undone_reason ? `: ${stop.undone_reason}` : '';
      const message = `${what} undone from ${rulesOf(to).inText} by ${stop.undone_by}${why}. The content is the same.`;
      const solutions = [{ kind: 'again' as const, keys }];
      found.set(root, {
        reason: 'undone',
        row: keyOf(step),
        message,
        concerns: keys,
        solutions,
      });
    }
  }
  return [...found.values()];
}

/**
 * Reports rows that an engineer changed and no product manager has adopted. A row and its dependent rows make one
 * problem, because a product manager adopts them together.
 */
export function engineering({ pairs }: Facts, steps: PlannedStep[]): Problem[] {
  const found = new Map<string, Problem>();
  for (const step of steps) {
    const state = step.pair?.state;
    if (state?.engineering_by && !isLeftOut(state, step)) {
      const root = { entity: state.root_entity, id: state.root_id };
      const owner = pairs.get(keyText(root))?.state ?? state;
      const marked = owner.engineering_by ? owner : state;
      const message = `${entityNamed(root.entity).label.one} “${owner.title}” was changed by an engineer (${marked.engineering_by}): ${fieldsIn(marked)}. Review the change and adopt it to transfer it.`;
      found.set(keyText(root), {
        reason: 'engineering',
        row: root,
        message,
        concerns: [...(found.get(keyText(root))?.concerns ?? []), keyOf(step)],
        solutions: [
          { kind: 'adopt', key: root },
          { kind: 'edit', key: root },
        ],
      });
    }
  }
  return [...found.values()];
}

/** Whether the transfer excludes every field that an engineer changed, so that nothing has to be adopted. */
function isLeftOut(state: RowState, { entity, excludedFields }: PlannedStep): boolean {
  const labels = JSON.parse(state.engineering_fields ?? '[]') as string[];
  const left = excludedFields.map((name) => labelOf(entityNamed(entity), name));
  return labels.length > 0 && labels.every((label) => left.includes(label));
}

export const fieldsIn = (state: RowState): string =>
  (JSON.parse(state.engineering_fields ?? '[]') as string[]).join(', ') || 'all fields';

export function holds({ pairs }: Facts, steps: PlannedStep[]): Problem[] {
  const keys = new Set(steps.flatMap((step) => [keyText(step), keyText(step.root)]));
  return [...keys].flatMap((text) => {
    const pair = pairs.get(text);
    if (!pair?.state?.held_at) return [];
    const { held_by: by, held_reason: why, title } = pair.state;
    const message = `${pair.entity.label.one} “${title}” is marked Not for production by ${by}${why ? `: ${why}` : ''}.`;
    return [
      {
        reason: 'on-hold' as const,
        row: pair.key,
        message,
        solutions: [{ kind: 'lift-hold' as const, key: pair.key }],
      },
    ];
  });
}

export function overwritten(
  facts: Facts,
  { overwrite }: TypedWords,
  steps: PlannedStep[],
): Problem[] {
  if (overwrite.isTyped) return [];
  const { statesThere, isTakeover } = facts;
  const place = rulesOf(facts.to).inText;
  return steps.filter(needsOverwrite).map((step) => {
    const status = step.pair?.status ?? 'Changed there';
    const isUnknown = status === 'Not known to be the same row';
    const what = isUnknown
      ? `${place} may have a different row with the ID ${step.id}`
      : step.before === null
        ? `it was deleted in ${place}`
        : status === 'Only there'
          ? `it was made in ${place} and would be removed`
          : `it was changed in ${place} since it was last transferred`;
    const marked = isTakeover ? statesThere.get(keyText(step)) : undefined;
    const by = marked?.engineering_by
      ? `, by an engineer (${marked.engineering_by}): ${fieldsIn(marked)}`
      : '';
    return {
      reason: 'changed-there',
      row: keyOf(step),
      message: `${describe(step)}: ${what} (${step.pair ? shownStatus(facts, step.pair) : status})${by}.`,
      solutions: [
        ...(isUnknown ? [{ kind: 'new-id' as const, key: keyOf(step) }] : []),
        { kind: 'take-over', key: step.root },
        { kind: 'overwrite' },
      ],
    };
  });
}

/**
 * Reports untested rows if the settings require tests: someone other than the sender must have marked the row *Works*,
 * and the transfer must send the row exactly as tested.
 */
export function untested(facts: Facts, steps: PlannedStep[]): Problem[] {
  const { tested, testedForSender: sender, pairs } = facts;
  if (sender === null) return [];
  const roots = new Map(
    steps.filter(({ pair }) => pair !== null).map((step) => [keyText(step.root), step.root]),
  );
  return [...roots].flatMap(([text, root]): Problem[] => {
    const pair = pairs.get(text);
    if (pair && pair.here === null) return [];
    const why = reasonUntested(tested.get(text), sender) ?? partOf(facts, root, steps);
    if (why === null) return [];
    const title = pair?.state?.title ?? root.id;
    const message = `${entityNamed(root.entity).label.one} “${title}” ${why}.`;
    return [{ reason: 'not-tested', row: root, message, solutions: [{ kind: 'test', key: root }] }];
  });
}

function reasonUntested(found: TestStatus | undefined, sender: string): string | null {
  if (found && worksForOthers(found, sender)) return null;
  const bad = found?.current.find(({ works }) => works === 0);
  return bad
    ? `does not work, says ${bad.person}${bad.note ? `: ${bad.note}` : ''}`
    : 'was not marked Works by anyone but you for this content';
}

/**
 * Returns why a row that is not sent as a whole counts as untested: the row at the destination would mix values of both
 * sides, and nobody has tested that mixture. Null if the whole row is sent.
 */
function partOf({ pairs }: Facts, root: RowKey, steps: PlannedStep[]): string | null {
  const going = new Map(steps.map((step) => [keyText(step), step]));
  const own = pairs.get(keyText(root));
  const whole = own ? [own, ...dependentPairs(pairs, root)] : [];
  const isAsHere = (pair: RowPair) => {
    const step = going.get(keyText(pair.key));
    const will = step ? step.after : pair.there;
    return (will && hashOf(pair.entity, will)) === pair.hereHash;
  };
  return whole.every(isAsHere) ? null : 'would go only in part, and nobody has tried it so';
}
