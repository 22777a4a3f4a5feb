// Problems with references: removed rows that are still referenced, and missing or ambiguous names.
import { keyText, linkedNamesOf, linksIn, linksOf, titleOf } from '../../catalog/entity.ts';
import { entityNamed } from '../../catalog/index.ts';
import { lowerFirst } from '../../catalog/lower-first.ts';
import { rulesOf } from '../../environments/rules.ts';
import { keyOfReferrer } from '../../rows/references.ts';
import type { Choices } from '../choices.ts';
import type { Facts } from '../facts.ts';
import type { PlannedStep } from '../planned-step.ts';
import { linkedNames } from '../linked-names.ts';
import { describe, keyOf, type Problem, type Solution, type TypedWords } from '../problem.ts';

/** Reports deletions in an environment that apps read: the user must confirm them by typing a word. */
export function deletions({ to }: Facts, { remove }: TypedWords, steps: PlannedStep[]): Problem[] {
  if (!remove.isAsked || remove.isTyped) return [];
  const gone = steps.filter(({ action }) => action === 'remove');
  const more = gone.length > 1 ? ` and ${gone.length - 1} more` : '';
  const message = `${describe(gone[0] as PlannedStep)}${more} will be deleted in ${rulesOf(to).inText}, for the apps too.`;
  return [{ reason: 'deletion', row: null, message, solutions: [{ kind: 'delete' }] }];
}

/** Reports removed rows to which another row at the destination would still refer after the transfer. */
export function used({ references: uses, pairs, to }: Facts, steps: PlannedStep[]): Problem[] {
  const going = new Map(steps.map((step) => [keyText(step), step]));
  const found = new Map<string, Problem>();
  for (const use of uses) {
    const gone = going.get(keyText(use.target));
    const user = keyOfReferrer(use);
    const step = going.get(keyText(user));
    const staysUsed = step ? step.after?.[use.referrer.field] === use.target.id : true;
    if (gone?.action === 'remove' && staysUsed && !found.has(keyText(user))) {
      const { entity, row } = use.referrer;
      const title = titleOf(entity, row);
      const here = pairs.get(keyText(user))?.here;
      const message = `${describe(gone)} is still used in ${rulesOf(to).inText} by ${lowerFirst(entity.label.one)} “${title}”.`;
      const solutions: Solution[] = [
        ...(step ? [] : [{ kind: 'add' as const, keys: [user], title }]),
        ...(here === null ? [] : [{ kind: 'edit' as const, key: user }]),
      ];
      found.set(keyText(user), {
        reason: 'still-used',
        row: keyOf(gone),
        message,
        solutions,
      });
    }
  }
  return [...found.values()];
}

export function names(facts: Facts, choices: Choices, steps: PlannedStep[]): Problem[] {
  const place = rulesOf(facts.to).inText;
  return linkedNames(steps).flatMap(({ entity, name, row }): Problem[] => {
    const ids = facts.names.get(entity)?.get(name) ?? [];
    const { label } = entityNamed(entity);
    const map = { kind: 'map-name' as const, entity, name };
    if (ids.length > 1) {
      const message = `There are ${ids.length} ${lowerFirst(label.many)} named “${name}” in ${place}, so it is not clear which is meant.`;
      return [{ reason: 'name-ambiguous', row, message, solutions: [map] }];
    }
    const others = facts.otherSpellings.get(`${entity}:${name}`);
    if (ids.length === 0 && others) {
      const spelled = others.map((one) => `“${one}”`).join(' and ');
      const message = `The ${lowerFirst(label.one)} “${name}” is spelled ${spelled} in ${place}. Map the name, or spell it alike in both.`;
      return [{ reason: 'name-spelled-otherwise', row, message, solutions: [map] }];
    }
    if (ids.length === 1 || choices.create.includes(`${entity}:${name}`)) return [];
    const inDatasets = datasetText(facts.namesInDatasets.get(`${entity}:${name}`));
    const message = `The ${lowerFirst(label.one)} “${name}” is not in ${place}.${inDatasets}`;
    const solutions: Solution[] = [{ kind: 'create-name', entity, name }, map];
    return [{ reason: 'name-missing', row, message, solutions }];
  });
}

/**
 * For a takeover: reports rows that are linked with a city or partner whose name belongs to another city or partner in
 * this environment.
 */
export function otherNames({ from, to }: Facts, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) => {
    const others = step.pair?.otherHere ?? [];
    if (others.length === 0) return [];
    const taken = linkedNamesOf(entityNamed(step.entity), step.after);
    const wrong = others.filter((one) =>
      taken.some(({ entity, name }) => entity === one.entity && name === one.name),
    );
    return wrong.map(({ entity, name }): Problem => {
      const [there, here] = [rulesOf(from).inText, rulesOf(to).inText];
      const kind = lowerFirst(entityNamed(entity).label.one);
      const message = `${describe(step)}: the ${kind} “${name}” of ${there} is not the ${kind} “${name}” of ${here}, which is mapped to another name. Map the name that it has in ${here}.`;
      const solutions = [{ kind: 'map-name' as const, entity, name }];
      return { reason: 'name-ambiguous', row: keyOf(step), message, solutions };
    });
  });
}

/** Says which datasets contain a missing name; an empty text if no dataset here has names of its type. */
function datasetText(datasets: string[] | undefined): string {
  if (datasets === undefined) return '';
  return datasets.length > 0
    ? ` The dataset ${datasets.join(' and ')} has it.`
    : ' No dataset has it either: check its spelling.';
}

/** Reports a row that is linked with two names here which are mapped to the same name at the destination. */
export function coinciding({ to }: Facts, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) =>
    linksOf(entityNamed(step.entity)).flatMap(({ field, links: { target } }): Problem[] => {
      const names = linksIn(step.after, field).map((link) => link[target.name]);
      const twice = names.find((one, index) => names.indexOf(one) !== index);
      if (twice === undefined) return [];
      const kind = lowerFirst(entityNamed(target.entity).label.many);
      const message = `${describe(step)}: two of its ${kind} are both “${twice}” in ${rulesOf(to).inText}. Keep one of them.`;
      const solutions = [{ kind: 'edit' as const, key: keyOf(step) }];
      return [{ reason: 'name-ambiguous', row: keyOf(step), message, solutions }];
    }),
  );
}
