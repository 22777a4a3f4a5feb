// Problems with unique values: after the whole transfer, only one row may hold each value. Two rows may swap their
// values: which row gives up its value first is decided when the rows are written.
import { isSameValue } from '../../catalog/content.ts';
import { keyText, labelOf, type RowKey } from '../../catalog/entity.ts';
import { entityNamed } from '../../catalog/index.ts';
import { lowerFirst } from '../../catalog/lower-first.ts';
import { uniqueFieldsOf, uniqueKey, uniqueKeysOf } from '../../catalog/unique-values.ts';
import { rulesOf } from '../../environments/rules.ts';
import type { Facts } from '../facts.ts';
import type { PlannedStep } from '../planned-step.ts';
import { describe, keyOf, type Problem, type Solution } from '../problem.ts';

/**
 * A step (the planned change of one row) that needs a unique value which another row, the holder, would still have
 * after the transfer.
 */
type Taken = { step: PlannedStep; field: string; key: string; holder: RowKey };

export function uniqueness(facts: Facts, steps: PlannedStep[]): Problem[] {
  const going = new Map(steps.map((step) => [keyText(step), step]));
  const first = new Map<string, PlannedStep>();
  return steps.flatMap((step) => {
    const entity = entityNamed(step.entity);
    return uniqueFieldsOf(entity).flatMap((field): Problem[] => {
      if (!step.after) return [];
      const key = uniqueKey(entity, field, step.after[field]);
      const twin = first.get(key);
      first.set(key, twin ?? step);
      // Earlier versions allowed rows with equal names. If two rows have had the same name since then, keeping it is no
      // problem.
      if (isSameValue(step.before?.[field], step.after[field])) return [];
      const holder = keeperOf(facts, going, step.entity, key) ?? (twin && keyOf(twin)) ?? null;
      return holder && holder.id !== step.id
        ? [taken(facts, going, { step, field, key, holder })]
        : [];
    });
  });
}

/** Finds the row that would still hold a unique value at the destination after the transfer; null if there is none. */
export function keeperOf(
  { holders }: Pick<Facts, 'holders'>,
  going: Map<string, PlannedStep>,
  entity: string,
  key: string,
): RowKey | null {
  const id = holders.get(key);
  if (id === undefined) return null;
  const step = going.get(keyText({ entity, id }));
  return step && !uniqueKeysOf(entityNamed(entity), step.after).includes(key)
    ? null
    : { entity, id };
}

function taken(facts: Facts, going: Map<string, PlannedStep>, one: Taken): Problem {
  const { step, field, holder } = one;
  const entity = entityNamed(step.entity);
  const other = facts.otherHolders.get(keyText(holder));
  const sent = going.get(keyText(holder));
  const title = sent?.title ?? other?.title;
  const name = `${lowerFirst(entity.label.one)} ${holder.id}${title ? ` “${title}”` : ''}`;
  const along = goingAlong(facts, going, one);
  const label = labelOf(entity, field);
  const way = along ? 'It gives it up when it goes along.' : wayOut(facts, sent, field, label);
  const isHolderHere = facts.isWrittenHere || other?.isHere;
  const solutions: Solution[] = [
    ...(along ? [{ kind: 'add' as const, keys: along, title: title ?? name }] : []),
    { kind: 'edit', key: keyOf(step) },
    ...(isHolderHere ? [{ kind: 'edit' as const, key: holder, title: title ?? name }] : []),
  ];
  const message = `${describe(step)}: ${label} is taken in ${rulesOf(facts.to).inText} by ${name}. ${way}`;
  return { reason: 'unique-taken', row: keyOf(step), message, solutions };
}

/**
 * Returns a sentence that says how to free the unique value. `sent`: the step of the row that holds the value, if the
 * transfer includes that row.
 */
function wayOut(
  { isWrittenHere, from }: Facts,
  sent: PlannedStep | undefined,
  field: string,
  label: string,
): string {
  if (sent?.excludedFields.includes(field)) {
    return `It goes along, but its ${lowerFirst(label)} is left out: send that, too.`;
  }
  const where = isWrittenHere ? ` in ${rulesOf(from).inText}` : '';
  if (sent) return `It goes along and keeps it: change one of the two${where}.`;
  return isWrittenHere ? `Change its ${lowerFirst(label)}.` : 'Change one of the two.';
}

/**
 * Returns the rows that a user must add to the transfer so that the holder gives up the value; null when adding rows
 * does not help.
 */
function goingAlong(facts: Facts, going: Map<string, PlannedStep>, one: Taken): RowKey[] | null {
  const entity = entityNamed(one.step.entity);
  const along = new Map([[keyText(one.holder), one.holder]]);
  const given = [one.key];
  for (const holder of along.values()) {
    const after = facts.otherHolders.get(keyText(holder))?.after;
    if (after === undefined) return null;
    const keys = uniqueKeysOf(entity, after);
    if (keys.some((key) => given.includes(key))) return null;
    for (const key of keys) {
      const next = keeperOf(facts, going, entity.name, key);
      // A `for … of` loop over a Map also visits entries that are added during the loop.
      if (next && next.id !== holder.id) along.set(keyText(next), next);
      given.push(key);
    }
  }
  return [...along.values()];
}
