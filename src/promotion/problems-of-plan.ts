// Everything that stands in a transfer's way, all at once, each with its way out. One small function a reason.
import { fieldEntries, keyText, labelOf, type Row, type RowKey } from '../catalog/entity.ts';
import type { Link } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { lower } from '../catalog/words.ts';
import { rung } from '../environments/ladder.ts';
import type { Facts } from './facts.ts';
import { linkedNames, needsOverwrite, type Choices, type PlannedStep } from './plan.ts';
import { shape, uniqueness } from './problems-of-shape.ts';
import type { RowState } from './row-states.ts';

export type Way =
  | { kind: 'edit'; key: RowKey }
  | { kind: 'adopt'; key: RowKey }
  | { kind: 'lift-hold'; key: RowKey }
  | { kind: 'create-name'; entity: 'city' | 'partner'; name: string }
  | { kind: 'map-name'; entity: 'city' | 'partner'; name: string }
  | { kind: 'overwrite' }
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
  | 'deleted-here'
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
  { mayOverwrite }: { mayOverwrite: boolean },
): Problem[] {
  const written = steps.filter((step) => step.action !== 'same');
  return [
    ...destination(facts),
    ...unknown(facts),
    ...deletions(facts),
    ...engineering(facts, written),
    ...holds(facts, written),
    ...overwritten(facts, mayOverwrite, written),
    ...names(facts, choices, written),
    ...coinciding(facts, written),
    ...shape(facts, written),
    ...uniqueness(facts, written),
    ...claimed(facts, written),
    ...images(facts, written),
    ...hostNames(facts, written),
  ];
}

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

function deletions({ chosen, sights }: Facts): Problem[] {
  return chosen.flatMap((key) => {
    const sight = sights.get(keyText(key));
    if (!sight?.state?.deleted_at) return [];
    const message = `${sight.entity.label.one} “${sight.state.title}” was deleted here. A deletion cannot be sent yet.`;
    return [{ reason: 'deleted-here' as const, row: key, message, ways: [] }];
  });
}

/** One line for a row with its dependents: adopting the row adopts them too. */
function engineering({ sights }: Facts, steps: PlannedStep[]): Problem[] {
  const found = new Map<string, Problem>();
  for (const step of steps) {
    const state = step.sight?.state;
    if (state?.engineering_by) {
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

function overwritten({ to }: Facts, mayOverwrite: boolean, steps: PlannedStep[]): Problem[] {
  if (mayOverwrite) return [];
  const place = rung(to).inText;
  return steps.filter(needsOverwrite).map((step) => {
    const status = step.sight?.status ?? 'Changed there';
    const what =
      status === 'Not known to be the same row'
        ? `another row may stand under the same ID ${step.id} in ${place}`
        : step.before === null
          ? `it was deleted in ${place}`
          : `it was changed in ${place} since it was last transferred`;
    return {
      reason: 'changed-there',
      row: keyOf(step),
      message: `${called(step)}: ${what} (${status}).`,
      ways: [{ kind: 'overwrite' }],
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
