// The rows of a sheet for display: replacements first, paged, grouped under their root.
import { isSameRow, isSameValue } from '../catalog/content.ts';
import { fieldEntries, keyText, labelOf, titleOf, type RowKey } from '../catalog/entity.ts';
import { textOf, type Field, type Value } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { wordDiff, formatValue } from '../web/format.ts';
import type { Choices } from './choices.ts';
import type { Facts } from './facts.ts';
import { baseOf, changedThere, needsOverwrite } from './overwrites.ts';
import { fieldChanges } from '../comparison/field-diff.ts';
import type { PlannedStep } from './planned-step.ts';

/** Overwrites and removals first, unchanged resends last; a row stays with its dependents. */
export function replacementsFirst(steps: PlannedStep[]): PlannedStep[] {
  const groups = [...Map.groupBy(steps, ({ root }) => keyText(root)).values()];
  const ranked = groups.map((own) => ({ own, rank: Math.min(...own.map(rankOf)) }));
  return ranked.toSorted((one, other) => one.rank - other.rank).flatMap(({ own }) => own);
}

const rankOf = (step: PlannedStep) =>
  step.action === 'remove' || needsOverwrite(step) ? 0 : isSentAgain(step) ? 2 : 1;

/** Unchanged at the destination: sent only for a fresh modified_at. */
const isSentAgain = ({ entity, before, after }: PlannedStep) =>
  before !== null && isSameRow(entityNamed(entity), before, after);

/** Steps grouped under their root, each with its changed fields. */
export function groupsOf(steps: PlannedStep[], facts: Facts, choices: Choices) {
  const groups = new Map<string, { root: RowKey; steps: ReturnType<typeof stepView>[] }>();
  for (const step of steps) {
    const text = keyText(step.root);
    const group = groups.get(text) ?? { root: step.root, steps: [] };
    const isRoot = keyText(step) === text;
    group.steps[isRoot ? 'unshift' : 'push'](stepView(step, facts, choices));
    groups.set(text, group);
  }
  return [...groups.values()];
}

function stepView(step: PlannedStep, { pairs, statesThere }: Facts, choices: Choices) {
  const owner = keyText(step) === keyText(step.root) ? undefined : pairs.get(keyText(step.root));
  const ownerRow = owner?.here ?? owner?.there;
  const words = (field: Field, value: Value | undefined) => {
    const pair = field.to ? pairs.get(`${field.to}:${textOf(value)}`) : undefined;
    const row = pair?.here ?? pair?.there;
    const plain = formatValue(field, value);
    return pair && row ? `${titleOf(pair.entity, row)} #${plain}` : plain;
  };
  const base = step.pair && baseOf(step.pair);
  const theirs = new Set(step.pair ? changedThere(step.pair) : []);
  const fields = fieldChanges(step).map(({ field, definition, label, before, after }) => {
    const [was, will] = [words(definition, before), words(definition, after)];
    const isSame = isSameValue(before, after);
    const isKept = step.excludedFields.includes(field);
    return {
      field,
      label,
      isSame,
      isKept,
      ...wordDiff(was, will),
      value: will,
      ours: isKept ? words(definition, step.pair?.here?.[field]) : will,
      /** The base value, where the destination changed it since. */
      base: theirs.has(field) ? words(definition, base?.[field]) : null,
    };
  });
  const entity = entityNamed(step.entity);
  const locals = fieldEntries(entity)
    .filter(([, field]) => field.local && step.action === 'create')
    .map(([name, { hint }]) => ({
      name,
      label: labelOf(entity, name),
      hint,
      typed: choices.locals[keyText(step)]?.[name] ?? '',
    }));
  return {
    step,
    entity,
    locals,
    owner:
      owner && ownerRow ? { entity: owner.entity, title: titleOf(owner.entity, ownerRow) } : null,
    status: step.pair?.status ?? null,
    differing: fields.filter(({ isSame, isKept }) => !isSame || isKept),
    same: fields.filter(({ isSame, isKept }) => isSame && !isKept),
    changedThere: theirs.size > 0 ? (statesThere.get(keyText(step)) ?? null) : null,
  };
}
