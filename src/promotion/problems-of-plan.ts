// Everything that stands in a transfer's way, all at once, each with its way out. One small function a reason.
import {
  fieldEntries,
  keyText,
  labelOf,
  titleOf,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import type { Link } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { lower } from '../catalog/words.ts';
import { rung } from '../environments/ladder.ts';
import type { Facts } from './facts.ts';
import { hashOf } from '../catalog/content.ts';
import { keyOfUser } from '../environments/uses.ts';
import { DELETED } from '../journal/row-states.ts';
import { localValue, type Choices } from './choices.ts';
import { dependentSights, type Sight } from './compare.ts';
import { worksForOthers, type Tested } from './verdicts.ts';
import { needsOverwrite } from './overwriting.ts';
import { linkedNames, type PlannedStep, type Words } from './plan.ts';
import { shape, uniqueness } from './problems-of-shape.ts';
import type { RowState } from '../journal/row-states.ts';

export type Way =
  | { kind: 'edit'; key: RowKey }
  | { kind: 'adopt'; key: RowKey }
  | { kind: 'lift-hold'; key: RowKey }
  | { kind: 'create-name'; entity: 'city' | 'partner'; name: string }
  | { kind: 'map-name'; entity: 'city' | 'partner'; name: string }
  | { kind: 'overwrite' }
  | { kind: 'new-id'; key: RowKey }
  | { kind: 'delete' }
  | { kind: 'again'; keys: RowKey[] }
  | { kind: 'add'; key: RowKey; title: string }
  | { kind: 'test'; key: RowKey }
  | { kind: 'wait' }
  | { kind: 'engineer' };

export type Reason =
  | 'parent-missing'
  | 'city-missing'
  | 'partner-missing'
  | 'name-ambiguous'
  | 'changed-there'
  | 'engineering'
  | 'on-hold'
  | 'still-used'
  | 'deletion'
  | 'undone'
  | 'local-value'
  | 'not-tested'
  | 'value-too-long'
  | 'column-missing'
  | 'column-unknown'
  | 'unique-taken'
  | 'being-written'
  | 'updating'
  | 'no-version'
  | 'image-missing'
  | 'host-name'
  | 'unknown-row';

export type Problem = {
  reason: Reason;
  row: RowKey | null;
  message: string;
  ways: Way[];
  /** Rows that leaving out would help, where that is not `row` itself. */
  concerns?: RowKey[];
};

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

export const called = ({ entity, title }: PlannedStep) =>
  `${entityNamed(entity).label.one} “${title}”`;
export const keyOf = ({ entity, id }: PlannedStep): RowKey => ({ entity, id });

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

function unknown({ chosen, sights, from }: Facts): Problem[] {
  return chosen.flatMap((key) => {
    const sight = sights.get(keyText(key));
    if (sight?.status || sight?.state?.deleted_at) return [];
    const { label } = entityNamed(key.entity);
    const message = `There is no ${lower(label.one)} ${key.id} in ${rung(from).inText}.`;
    return [{ reason: 'unknown-row' as const, row: key, message, ways: [] }];
  });
}

/** In the environment that the apps read, a deletion asks for a word. */
function deletions({ to }: Facts, { remove }: Words, steps: PlannedStep[]): Problem[] {
  if (!remove.isAsked || remove.isTyped) return [];
  const gone = steps.filter(({ action }) => action === 'remove');
  const more = gone.length > 1 ? ` and ${gone.length - 1} more` : '';
  const message = `${called(gone[0] as PlannedStep)}${more} will be deleted in ${rung(to).inText}, for the apps too.`;
  return [{ reason: 'deletion', row: null, message, ways: [{ kind: 'delete' }] }];
}

/** What goes must not be used by what stays. */
function used({ uses, sights, to }: Facts, steps: PlannedStep[]): Problem[] {
  const going = new Map(steps.map((step) => [keyText(step), step]));
  const found = new Map<string, Problem>();
  for (const use of uses) {
    const gone = going.get(keyText(use.of));
    const user = keyOfUser(use);
    const step = going.get(keyText(user));
    const staysUsed = step ? step.after?.[use.user.field] === use.of.id : true;
    if (gone?.action === 'remove' && staysUsed && !found.has(keyText(user))) {
      const { entity, row } = use.user;
      const title = titleOf(entity, row);
      const here = sights.get(keyText(user))?.here;
      const message = `${called(gone)} is still used in ${rung(to).inText} by ${lower(entity.label.one)} “${title}”.`;
      const ways: Way[] = [
        ...(step ? [] : [{ kind: 'add' as const, key: user, title }]),
        ...(here === null ? [] : [{ kind: 'edit' as const, key: user }]),
      ];
      found.set(keyText(user), { reason: 'still-used', row: keyOf(gone), message, ways });
    }
  }
  return [...found.values()];
}

/** What was undone there asks before that very content goes again; a row with its dependents is one line. */
function undone(
  { to, sights }: Facts,
  { again }: Pick<Choices, 'again'>,
  steps: PlannedStep[],
): Problem[] {
  const found = new Map<string, Problem & { ways: { kind: 'again'; keys: RowKey[] }[] }>();
  for (const step of steps) {
    const stop = step.sight?.stop;
    const content = step.after ? hashOf(entityNamed(step.entity), step.after) : DELETED;
    if (stop?.undone_hash === content && !again.includes(keyText(step))) {
      const root = keyText(step.root);
      const title = sights.get(root)?.state?.title ?? step.title;
      const why = stop.undone_reason ? `: ${stop.undone_reason}` : '';
      const message = `${entityNamed(step.root.entity).label.one} “${title}” was undone from ${rung(to).inText} by ${stop.undone_by}${why}. This is that very content.`;
      const keys = [...(found.get(root)?.ways[0]?.keys ?? []), keyOf(step)];
      const ways = [{ kind: 'again' as const, keys }];
      found.set(root, { reason: 'undone', row: keyOf(step), message, concerns: keys, ways });
    }
  }
  return [...found.values()];
}

/** One line for a row with its dependents: adopting the row adopts them too. */
function engineering({ sights }: Facts, steps: PlannedStep[]): Problem[] {
  const found = new Map<string, Problem>();
  for (const step of steps) {
    const state = step.sight?.state;
    if (state?.engineering_by && !isLeftOut(state, step)) {
      const root = { entity: state.root_entity, id: state.root_id };
      const owner = sights.get(keyText(root))?.state ?? state;
      const marked = owner.engineering_by ? owner : state;
      const message = `${entityNamed(root.entity).label.one} “${owner.title}” has work by ${marked.engineering_by}: ${fieldsIn(marked)}. Look at it, and adopt it if it may go.`;
      found.set(keyText(root), {
        reason: 'engineering',
        row: root,
        message,
        concerns: [...(found.get(keyText(root))?.concerns ?? []), keyOf(step)],
        ways: [
          { kind: 'adopt', key: root },
          { kind: 'edit', key: root },
        ],
      });
    }
  }
  return [...found.values()];
}

/** Every field that engineering changed stays behind. */
function isLeftOut(state: RowState, { entity, kept }: PlannedStep): boolean {
  const labels = JSON.parse(state.engineering_fields ?? '[]') as string[];
  const left = kept.map((name) => labelOf(entityNamed(entity), name));
  return labels.length > 0 && labels.every((label) => left.includes(label));
}

export const fieldsIn = (state: RowState): string =>
  (JSON.parse(state.engineering_fields ?? '[]') as string[]).join(', ') || 'all fields';

function holds({ sights }: Facts, steps: PlannedStep[]): Problem[] {
  const keys = new Set(steps.flatMap((step) => [keyText(step), keyText(step.root)]));
  return [...keys].flatMap((text) => {
    const sight = sights.get(text);
    if (!sight?.state?.held_at) return [];
    const { held_by: by, held_reason: why, title } = sight.state;
    const message = `${sight.entity.label.one} “${title}” is marked Not for production by ${by}${why ? `: ${why}` : ''}.`;
    return [
      {
        reason: 'on-hold' as const,
        row: sight.key,
        message,
        ways: [{ kind: 'lift-hold' as const, key: sight.key }],
      },
    ];
  });
}

function overwritten({ to }: Facts, { overwrite }: Words, steps: PlannedStep[]): Problem[] {
  if (overwrite.isTyped) return [];
  const place = rung(to).inText;
  return steps.filter(needsOverwrite).map((step) => {
    const status = step.sight?.status ?? 'Changed there';
    const isUnknown = status === 'Not known to be the same row';
    const what = isUnknown
      ? `another row may stand under the same ID ${step.id} in ${place}`
      : step.before === null
        ? `it was deleted in ${place}`
        : status === 'Only there'
          ? `it was made in ${place} and would be removed`
          : `it was changed in ${place} since it was last transferred`;
    return {
      reason: 'changed-there',
      row: keyOf(step),
      message: `${called(step)}: ${what} (${status}).`,
      ways: [
        ...(isUnknown ? [{ kind: 'new-id' as const, key: keyOf(step) }] : []),
        { kind: 'overwrite' },
      ],
    };
  });
}

function names(facts: Facts, choices: Choices, steps: PlannedStep[]): Problem[] {
  const place = rung(facts.to).inText;
  return linkedNames(steps).flatMap(({ kind, name, row }): Problem[] => {
    const ids = facts.names[kind].get(name) ?? [];
    const map = { kind: 'map-name' as const, entity: kind, name };
    if (ids.length > 1) {
      const message = `There are ${ids.length} ${kind === 'city' ? 'cities' : 'partners'} named “${name}” in ${place}, so it is not clear which is meant.`;
      return [{ reason: 'name-ambiguous', row, message, ways: [map] }];
    }
    if (ids.length === 1 || choices.create.includes(`${kind}:${name}`)) return [];
    const message = `The ${kind} “${name}” is not in ${place}.`;
    const reason = kind === 'city' ? 'city-missing' : 'partner-missing';
    return [{ reason, row, message, ways: [{ kind: 'create-name', entity: kind, name }, map] }];
  });
}

/** Two cities here that are one there cannot both be linked with a row. */
function coinciding({ to }: Facts, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) =>
    fieldEntries(entityNamed(step.entity)).flatMap(([field, { through }]): Problem[] => {
      const cities = through ? ((step.after?.[field] ?? []) as Link[]).map(({ city }) => city) : [];
      const twice = cities.find((city, index) => cities.indexOf(city) !== index);
      if (twice === undefined) return [];
      const message = `${called(step)}: two of its cities are both “${twice}” in ${rung(to).inText}. Keep one of them.`;
      const ways = [{ kind: 'edit' as const, key: keyOf(step) }];
      return [{ reason: 'name-ambiguous', row: keyOf(step), message, ways }];
    }),
  );
}

/**
 * Where it is asked for: every row that goes on was marked Works by someone other than the sender, and goes as
 * it was tried, with all that belongs to it.
 */
export function untested(facts: Facts, steps: PlannedStep[]): Problem[] {
  const { tested, testedForSender: sender, sights } = facts;
  if (sender === null) return [];
  const roots = new Map(
    steps.filter(({ sight }) => sight !== null).map((step) => [keyText(step.root), step.root]),
  );
  return [...roots].flatMap(([text, root]): Problem[] => {
    const sight = sights.get(text);
    if (sight && sight.here === null) return [];
    const why = reasonUntested(tested.get(text), sender) ?? partOf(facts, root, steps);
    if (why === null) return [];
    const title = sight?.state?.title ?? root.id;
    const message = `${entityNamed(root.entity).label.one} “${title}” ${why}.`;
    return [{ reason: 'not-tested', row: root, message, ways: [{ kind: 'test', key: root }] }];
  });
}

function reasonUntested(found: Tested | undefined, sender: string): string | null {
  if (found && worksForOthers(found, sender)) return null;
  const bad = found?.current.find(({ works }) => works === 0);
  return bad
    ? `does not work, says ${bad.person}${bad.note ? `: ${bad.note}` : ''}`
    : 'was not marked Works by anyone but you, in this very content';
}

/** A mixture of what is here and what is there was tried by nobody. */
function partOf({ sights }: Facts, root: RowKey, steps: PlannedStep[]): string | null {
  const going = new Map(steps.map((step) => [keyText(step), step]));
  const own = sights.get(keyText(root));
  const whole = own ? [own, ...dependentSights(sights, root)] : [];
  const isAsHere = (sight: Sight) => {
    const step = going.get(keyText(sight.key));
    const will = step ? step.after : sight.there;
    return (will && hashOf(sight.entity, will)) === sight.hereHash;
  };
  return whole.every(isAsHere) ? null : 'would go only in part, and nobody has tried it so';
}

/** What was typed for the destination's own fields does not fit. */
function localValues(choices: Choices, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) => {
    const entity = entityNamed(step.entity);
    return fieldEntries(entity).flatMap(([name, { local }]): Problem[] => {
      const typed = step.before === null ? choices.locals[keyText(step)] : undefined;
      const { error } = local ? localValue(entity, name, typed) : { error: null };
      const message = `${called(step)}: ${error}`;
      return error ? [{ reason: 'local-value', row: keyOf(step), message, ways: [] }] : [];
    });
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

function images({ missingImages }: Facts, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) =>
    imagesOf(step).flatMap(({ label, name }) => {
      if (!missingImages.has(name)) return [];
      const message = `${called(step)}: the ${label.toLowerCase()} is not in this environment's storage. Upload it again.`;
      const ways = [{ kind: 'edit' as const, key: keyOf(step) }];
      return [{ reason: 'image-missing' as const, row: keyOf(step), message, ways }];
    }),
  );
}

/** Objects that a step's row names. */
export function imagesOf(step: { entity: string; after: Row | null }) {
  const entity = entityNamed(step.entity);
  return fieldEntries(entity).flatMap(([field, { kind }]) => {
    const name = step.after?.[field];
    return kind === 'image' && typeof name === 'string'
      ? [{ label: labelOf(entity, field), name }]
      : [];
  });
}

function hostNames({ hostHere }: Facts, steps: PlannedStep[]): Problem[] {
  if (!hostHere) return [];
  return steps.flatMap((step) => {
    const entity = entityNamed(step.entity);
    return fieldEntries(entity).flatMap(([field, { local }]) => {
      const value = step.after?.[field];
      if (local || typeof value !== 'string' || !value.includes(hostHere)) return [];
      const message = `${called(step)}: ${labelOf(entity, field)} contains this environment's own address (${hostHere}).`;
      const ways = [{ kind: 'edit' as const, key: keyOf(step) }];
      return [{ reason: 'host-name' as const, row: keyOf(step), message, ways }];
    });
  });
}
