// Plans a transfer without reading a database, from facts that were read before: the rows of both sides, and possible
// causes of problems. The plan has steps, one for each row, and problems.
import { hashOf, isSameValue } from '../catalog/content.ts';
import { initialContent, keyText, titleOf, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { rulesOf } from '../environments/rules.ts';
import type { Step } from '../writing/journal.ts';
import { inWritingOrder } from '../catalog/order.ts';
import {
  DELETE,
  excludedFieldsOf,
  isTyped,
  OVERWRITE,
  rowToSend,
  type Choices,
} from './choices.ts';
import { expandSelection, type ExpandedRow, type Offer } from './expand-selection.ts';
import type { Facts } from './facts.ts';
import { needsOverwrite } from './overwrites.ts';
import { problemsOf, withEditsThatHelp } from './problems/index.ts';
import { fieldsIn } from './problems/review.ts';
import { parentsOf } from '../catalog/family.ts';
import { formerBaseOf, hashOfPlan, rootKeyOf, type PlannedStep } from './planned-step.ts';
import { linkedNames } from './linked-names.ts';
import type { Problem, TypedWords, Warning } from './problem.ts';
import { warningsOf } from './warnings.ts';

export type SkippedRow = { row: RowKey; title: string; why: string };

export type Plan = {
  steps: PlannedStep[];
  problems: Problem[];
  notices: string[];
  warnings: Warning[];
  /** Referenced rows that differ at the destination and can be added to the transfer. */
  offers: Offer[];
  reliedOn: RowKey[];
  /** Rows that an undo skips, with the reasons. */
  skipped: SkippedRow[];
  words: TypedWords;
  /**
   * The SHA-256 hash of all rows before and after the transfer, without timestamps. The transfer
   * button posts this hash, so that Oneway sends only a plan that the person saw.
   */
  hash: string;
};

export function planTransfer(facts: Facts, choices: Choices): Plan {
  const { going, offers, reliedOn, missing } = expandSelection(facts, choices);
  const steps = [...going.values()].flatMap((one) => stepOf(facts, choices, one) ?? []);
  const all = inWritingOrder([...createdNames(facts, choices, steps), ...steps]);
  const hash = hashOfPlan(facts, all);
  const words = typedWords(facts, choices, all, hash);
  const found = [...missing, ...problemsOf(facts, choices, all, words)];
  const problems = withEditsThatHelp(facts, all, found);
  const relied = [...reliedOn, ...sameParents(all)];
  return {
    steps: all,
    problems,
    notices: noticesOf(facts, all),
    warnings: warningsOf(facts, all),
    offers,
    reliedOn: relied,
    skipped: [],
    words,
    hash,
  };
}

/** Returns which words the user must type to confirm a plan, and whether the user typed them for this plan. */
function typedWords(
  facts: Facts,
  choices: Choices,
  steps: PlannedStep[],
  hash: string,
): TypedWords {
  const isForThis = choices.typedFor === hash;
  return {
    overwrite: {
      isAsked: steps.some(needsOverwrite),
      isTyped: isForThis && isTyped(choices.overwrite, OVERWRITE),
    },
    remove: {
      isAsked: rulesOf(facts.to).asksReason && steps.some(({ action }) => action === 'remove'),
      isTyped: isForThis && isTyped(choices.remove, DELETE),
    },
  };
}

/** Returns the keys of planned rows that stay unchanged and that a written row refers to. */
function sameParents(steps: PlannedStep[]): RowKey[] {
  const needed = new Set(
    steps
      .filter(({ action }) => action !== 'same')
      .flatMap(({ entity, after }) => parentsOf(entityNamed(entity), after))
      .map(keyText),
  );
  return steps
    .filter((step) => step.action === 'same' && needed.has(keyText(step)))
    .map(({ entity, id }) => ({ entity, id }));
}

function stepOf(facts: Facts, choices: Choices, { key, because }: ExpandedRow): PlannedStep | null {
  const pair = facts.pairs.get(keyText(key));
  if (!pair?.status) return null;
  const { entity, here, there, status } = pair;
  const row = (here ?? there) as Row;
  const root = rootKeyOf(facts, pair);
  const common = {
    entity: entity.name,
    id: key.id,
    title: titleOf(entity, row),
    because,
    pair,
    root,
    excludedFields: [] as string[],
    base: formerBaseOf(pair),
    tested: testedInWords(facts, root),
  };
  const after = rowToSend(pair, choices);
  if (after === null) {
    // A row that exists only at the destination is removed only if its parent row was deleted here.
    if (status === 'Only there' && !isOwnerDeleted(facts, root, key)) return null;
    return { ...common, action: 'remove', before: there, after: null };
  }
  const excludedFields = excludedFieldsOf(pair, choices).filter(
    (name) => here !== null && !isSameValue(here[name], there?.[name]),
  );
  if (there && !choices.resend && hashOf(entity, after) === pair.thereHash) {
    return {
      ...common,
      excludedFields,
      action: 'same',
      before: there,
      after: there,
    };
  }
  return {
    ...common,
    excludedFields,
    action: there === null ? 'create' : 'update',
    before: there,
    after,
  };
}

function testedInWords({ tested, from, isTakeover }: Facts, root: RowKey): string | null {
  if (!rulesOf(from).isTested || isTakeover) return null;
  const words = (tested.get(keyText(root))?.current ?? []).map(
    ({ works, person }) => `${works ? 'Works' : 'Does not work'}, said ${person}`,
  );
  return words.length > 0 ? words.join('; ') : 'Not tested';
}

const isOwnerDeleted = ({ pairs }: Facts, root: RowKey, key: RowKey) =>
  keyText(root) !== keyText(key) && pairs.get(keyText(root))?.here === null;

/**
 * Returns a step for each linked name to create at the destination. The ids are negative placeholders, because the
 * destination assigns the real ids when the transfer starts.
 */
export function createdNames(facts: Facts, choices: Choices, steps: Step[]): PlannedStep[] {
  if (choices.create.length === 0) return [];
  const wanted = linkedNames(steps).filter(
    ({ entity, name }) =>
      choices.create.includes(`${entity}:${name}`) && !facts.names.get(entity)?.has(name),
  );
  return wanted.map(({ entity: kind, name }, index) => {
    const id = -1 - index;
    const mine = facts.namesHere.get(`${kind}:${name}`);
    const initial = initialContent(entityNamed(kind));
    const after: Row = { ...initial, ...mine, id, modified_at: '', name };
    const key = { entity: kind, id };
    return {
      entity: kind,
      id,
      title: name,
      action: 'create',
      because: 'created by a tick on this sheet',
      before: null,
      after,
      pair: null,
      root: key,
      excludedFields: [],
    };
  });
}

function noticesOf(facts: Facts, steps: PlannedStep[]): string[] {
  const notices = facts.isTakeover ? engineeringThere(facts, steps) : [];
  for (const step of steps.filter(({ action }) => action === 'update')) {
    const users = usersInWords(facts, step);
    if (users !== '') {
      const { label } = entityNamed(step.entity);
      notices.push(`${label.one} “${step.title}” is also used there by ${users}.`);
    }
  }
  if (facts.version && facts.versionHere && facts.version.databaseVersion !== facts.versionHere) {
    notices.push(
      `The destination's database is at version ${facts.version.databaseVersion}, this one at ${facts.versionHere}. The transferred data fits both.`,
    );
  }
  const written = new Set(steps.map(keyText));
  const stays = [...facts.pairs.values()].filter(
    ({ status, entity, key }) =>
      status === 'Only there' && entity.owner !== null && !written.has(keyText(key)),
  );
  for (const { entity, there } of stays) {
    notices.push(
      `${entity.label.one} “${titleOf(entity, there as Row)}” exists only there and is not changed.`,
    );
  }
  return notices;
}

/**
 * Returns a notice for each row to take over that an engineer changed in the other environment, because taking the row
 * over adopts that change in this environment.
 */
const engineeringThere = ({ from }: Facts, steps: PlannedStep[]): string[] =>
  steps.flatMap(({ action, entity, title, pair }) =>
    action !== 'same' && pair?.state?.engineering_by
      ? [
          `${entityNamed(entity).label.one} “${title}” was changed in ${rulesOf(from).inText} by an engineer (${pair.state.engineering_by}): ${fieldsIn(pair.state)}.`,
        ]
      : [],
  );

/**
 * Counts the rows at the destination that refer to a row which the transfer updates, by type: `13 tasks and 1 STS`
 */
function usersInWords(facts: Facts, step: PlannedStep): string {
  const counts = new Map<string, number>();
  for (const { target: of, referrer: user } of facts.references) {
    if (keyText(of) === keyText(step) && !user.entity.fields[user.field]?.under) {
      counts.set(user.entity.name, (counts.get(user.entity.name) ?? 0) + 1);
    }
  }
  return [...counts]
    .map(([name, number]) => {
      const { label } = entityNamed(name);
      return `${number} ${lowerFirst(label[number === 1 ? 'one' : 'many'])}`;
    })
    .join(' and ');
}
