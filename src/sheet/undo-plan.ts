// Plans an undo without reading a database, from facts that were read before, such as the rows of both sides. Each row
// gets its content from before the transfer. A row is skipped, and listed with a reason, if it was edited since, or if
// a row outside the undo needs it.
import { hashOf, isSameValue } from '../catalog/content.ts';
import {
  fieldEntries,
  keyText,
  labelOf,
  titleOf,
  type Entity,
  type Row,
  type Draft,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { uniqueFieldsOf, uniqueKey } from '../catalog/unique-values.ts';
import { keyOfReferrer, type Reference } from '../rows/references.ts';
import { rulesOf } from '../environments/rules.ts';
import type { Step } from '../writing/journal.ts';
import { inWritingOrder } from '../catalog/order.ts';
import type { Choices } from './choices.ts';
import type { Facts } from './facts.ts';
import { createdNames, type SkippedRow, type Plan } from './plan.ts';
import { problemsOfUndo, withEditsThatHelp } from './problems/index.ts';
import { keeperOf } from './problems/uniqueness.ts';
import { parentsOf } from '../catalog/family.ts';
import { formerBaseOf, hashOfPlan, rootKeyOf, type PlannedStep } from './planned-step.ts';
import { warningsOf } from './warnings.ts';

/**
 * Returns the content that a row gets when the transfer’s change of the row is undone: its content from before the
 * transfer, but with the present values of environment-specific fields.
 */
export function rowBefore(step: Step, there: Row | null): Row | null {
  if (step.before === null) return null;
  const row: Draft<Row> = { ...step.before };
  for (const [name, field] of fieldEntries(entityNamed(step.entity))) {
    if (field.local && there) row[name] = there[name] ?? null;
  }
  return row;
}

const untyped = { isAsked: false, isTyped: false };

export function planUndo(facts: Facts, steps: Step[], choices: Choices): Plan {
  const going = new Map<string, PlannedStep>();
  const left = new Map<string, SkippedRow>();
  const leave = (step: Step, why: string) => {
    going.delete(keyText(step));
    const row = { entity: step.entity, id: step.id };
    left.set(keyText(step), { row, title: step.title, why });
  };
  for (const step of steps) {
    const why = changedSince(facts, step);
    const planned = why === null ? undoStep(facts, step) : null;
    if (why !== null) leave(step, why);
    else if (planned) going.set(keyText(step), planned);
  }
  const usesOfRow = Map.groupBy(facts.references, ({ target: of }) => keyText(of));
  // When a step is skipped, other steps may no longer be possible. So all remaining steps are checked again, until no
  // more step is skipped.
  for (let isStable = false; !isStable;) {
    isStable = true;
    for (const step of going.values()) {
      const why =
        needed(facts, going, step, usesOfRow.get(keyText(step)) ?? []) ??
        kept(facts, going, left, step);
      if (why !== null) {
        leave(step, why);
        isStable = false;
      }
    }
  }
  const own = [...going.values()];
  const all = inWritingOrder([...createdNames(facts, choices, own), ...own]);
  const reliedOn = own
    .flatMap((step) => parentsOf(entityNamed(step.entity), step.after))
    .filter((key) => !going.has(keyText(key)));
  return {
    steps: all,
    problems: withEditsThatHelp(facts, all, problemsOfUndo(facts, choices, all)),
    notices: [],
    warnings: warningsOf(facts, all),
    offers: [],
    reliedOn: [...new Map(reliedOn.map((key) => [keyText(key), key])).values()],
    skipped: [...left.values()],
    words: { overwrite: untyped, remove: untyped },
    hash: hashOfPlan(facts, all),
  };
}

/** Returns why a row is no longer as the transfer left it, as a sentence; null if the row is unchanged. */
function changedSince({ pairs, statesThere, to }: Facts, step: Step): string | null {
  const entity = entityNamed(step.entity);
  const there = pairs.get(keyText(step))?.there ?? null;
  const place = rulesOf(to).inText;
  const by = statesThere.get(keyText(step))?.changed_by;
  const stored = step.remark?.stored;
  if (stored !== undefined && hashOrNull(entity, stored) === hashOrNull(entity, there)) return null;
  if (there === null && step.after === null) return null;
  if (there === null) return `it was deleted in ${place}${by ? ` by ${by}` : ''} since`;
  if (step.after === null) return `it was made again in ${place} since`;
  if (hashOf(entity, there) === hashOf(entity, step.after)) return null;
  if (step.before && hashOf(entity, there) === hashOf(entity, step.before)) {
    return 'it is as it was before this transfer already';
  }
  const fields = fieldEntries(entity)
    .filter(([name, { local }]) => !local && !isSameValue(there[name], step.after?.[name]))
    .map(([name]) => labelOf(entity, name));
  return `${fields.join(', ')} was edited in ${place} since${by ? `, last by ${by}` : ''}`;
}

const hashOrNull = (entity: Entity, row: Row | null) => row && hashOf(entity, row);

/** Returns the step that undoes a step of the transfer; null when the row would not change. */
function undoStep(facts: Facts, step: Step): PlannedStep | null {
  const pair = facts.pairs.get(keyText(step));
  const entity = entityNamed(step.entity);
  const before = pair?.there ?? null;
  const after = rowBefore(step, before);
  if (!pair || (before === null && after === null)) return null;
  if (before && after && hashOf(entity, before) === hashOf(entity, after)) return null;
  return {
    entity: step.entity,
    id: step.id,
    title: step.title,
    because: null,
    excludedFields: [],
    action: before === null ? 'create' : after === null ? 'remove' : 'update',
    before,
    after,
    pair,
    root: rootKeyOf(facts, pair),
    base: formerBaseOf(pair),
  };
}

/**
 * Returns why the undo must skip a row: it would remove a row to which another row still refers, or restore a reference
 * to a row that does not exist. Null if the undo can include the row.
 */
function needed(
  facts: Facts,
  going: Map<string, PlannedStep>,
  step: PlannedStep,
  uses: Reference[],
): string | null {
  const use =
    step.action === 'remove' &&
    uses.find((one) => {
      const user = going.get(keyText(keyOfReferrer(one)));
      return user ? user.after?.[one.referrer.field] === step.id : true;
    });
  if (use) {
    const { entity, row } = use.referrer;
    return `${lowerFirst(entity.label.one)} “${titleOf(entity, row)}” needs it and stays`;
  }
  const parent = parentsOf(entityNamed(step.entity), step.after).find((key) => {
    const other = going.get(keyText(key));
    return other ? other.after === null : !facts.pairs.get(keyText(key))?.there;
  });
  if (!parent) return null;
  const { label } = entityNamed(parent.entity);
  return `it would need ${lowerFirst(label.one)} ${parent.id}, which is not there: undo that, too`;
}

/**
 * Returns why the undo must skip a row: the row would get a unique value that a skipped row still has.
 */
function kept(
  facts: Facts,
  going: Map<string, PlannedStep>,
  left: Map<string, SkippedRow>,
  step: PlannedStep,
): string | null {
  const entity = entityNamed(step.entity);
  for (const field of uniqueFieldsOf(entity)) {
    const key = step.after && uniqueKey(entity, field, step.after[field]);
    const keeper = key && keeperOf(facts, going, entity.name, key);
    const skipped = keeper ? left.get(keyText(keeper)) : undefined;
    if (skipped) {
      return `its ${lowerFirst(labelOf(entity, field))} is now that of ${lowerFirst(entity.label.one)} “${skipped.title}”, which stays`;
    }
  }
  return null;
}
