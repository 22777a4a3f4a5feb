// What a transfer would do, and everything that stands in its way: decided from facts, without a database.
import { createHash } from 'node:crypto';
import { canonical, hashOf, isSameValue } from '../catalog/content.ts';
import {
  fieldEntries,
  initialContent,
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
import type { Step } from '../journal/journal.ts';
import { inWritingOrder } from '../journal/order.ts';
import { DELETE, isTyped, OVERWRITE, rowThatGoes, type Choices } from './choices.ts';
import { climb, parentsOf, type Going, type Offer } from './climb.ts';
import type { Sight } from './compare.ts';
import type { Facts } from './facts.ts';
import { needsOverwrite } from './overwriting.ts';
import { problemsOf, type Problem } from './problems-of-plan.ts';

export type PlannedStep = Step & { sight: Sight | null; root: RowKey };

export type Left = { row: RowKey; title: string; why: string };
/** Words that are asked for, and those that were typed. */
export type Words = Record<'overwrite' | 'remove', { isAsked: boolean; isTyped: boolean }>;

export type Plan = {
  steps: PlannedStep[];
  problems: Problem[];
  notices: string[];
  /** Parents that are there already, but differ. */
  offers: Offer[];
  reliedOn: RowKey[];
  /** Rows that an undo leaves as they are, and why. */
  left: Left[];
  words: Words;
  /** SHA-256 over both sides' content; instants left out. */
  hash: string;
};

export function planTransfer(facts: Facts, choices: Choices): Plan {
  const { going, offers, reliedOn, missing } = climb(facts, choices);
  const steps = [...going.values()].flatMap((one) => stepOf(facts, choices, one) ?? []);
  const all = inWritingOrder([...createdNames(facts, choices, steps), ...steps]);
  const hash = hashOfPlan(facts, all);
  const words = typedWords(facts, choices, all, hash);
  const problems = [...missing, ...problemsOf(facts, choices, all, words)];
  const relied = [...reliedOn, ...sameParents(all)];
  return {
    ...{ steps: all, problems, notices: noticesOf(facts, all), offers },
    ...{ reliedOn: relied, left: [], words, hash },
  };
}

/** Which words have to be typed for what a plan does, and which were typed for this very plan. */
function typedWords(facts: Facts, choices: Choices, steps: PlannedStep[], hash: string): Words {
  const isForThis = choices.typedFor === hash;
  return {
    overwrite: {
      isAsked: steps.some(needsOverwrite),
      isTyped: isForThis && isTyped(choices.overwrite, OVERWRITE),
    },
    remove: {
      isAsked: rung(facts.to).asksReason && steps.some(({ action }) => action === 'remove'),
      isTyped: isForThis && isTyped(choices.remove, DELETE),
    },
  };
}

/** Parents that stay as they are there, while something that needs them is written. */
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

function stepOf(facts: Facts, choices: Choices, { key, because }: Going): PlannedStep | null {
  const sight = facts.sights.get(keyText(key));
  if (!sight?.status) return null;
  const { entity, here, there, status } = sight;
  const row = (here ?? there) as Row;
  const root = rootKeyOf(facts, sight);
  const common = {
    entity: entity.name,
    id: key.id,
    title: titleOf(entity, row),
    because,
    sight,
    root,
    kept: [] as string[],
    base: sight.stop?.base_content ?? null,
    tested: testedInWords(facts, root),
  };
  const after = rowThatGoes(sight, choices);
  if (after === null) {
    // Made there: it goes only with the owner under which it stands.
    if (status === 'Only there' && !isOwnerDeleted(facts, root, key)) return null;
    return { ...common, action: 'remove', before: there, after: null };
  }
  const left = there ? (choices.kept[keyText(key)] ?? []) : [];
  const kept = left.filter((name) => here !== null && !isSameValue(here[name], there?.[name]));
  if (there && !choices.resend && hashOf(entity, after) === sight.thereHash) {
    return { ...common, kept, action: 'same', before: there, after: there };
  }
  return { ...common, kept, action: there === null ? 'create' : 'update', before: there, after };
}

function testedInWords({ tested, from }: Facts, root: RowKey): string | null {
  if (!rung(from).isTested) return null;
  const words = (tested.get(keyText(root))?.current ?? []).map(
    ({ works, person }) => `${works ? 'Works' : 'Does not work'}, said ${person}`,
  );
  return words.length > 0 ? words.join('; ') : 'Not tested';
}

const isOwnerDeleted = ({ sights }: Facts, root: RowKey, key: RowKey) =>
  keyText(root) !== keyText(key) && sights.get(keyText(root))?.here === null;

/** The picked (or needed) row under which the sheet shows a row. */
export function rootKeyOf(facts: Facts, { entity, here, there, key }: Sight): RowKey {
  const owner = entity.owner ? (here ?? there)?.[entity.owner] : undefined;
  const to = entity.owner ? entity.fields[entity.owner]?.to : undefined;
  return typeof owner === 'number' && to && facts.sights.has(keyText({ entity: to, id: owner }))
    ? { entity: to, id: owner }
    : key;
}

/** Cities and partners that a tick creates there; their ids are drawn there when the transfer begins. */
export function createdNames(facts: Facts, choices: Choices, steps: Step[]): PlannedStep[] {
  const wanted = linkedNames(steps).filter(
    ({ kind, name }) => choices.create.includes(`${kind}:${name}`) && !facts.names[kind].has(name),
  );
  return wanted.map(({ kind, name }, index) => {
    const id = -1 - index;
    const mine = facts.namesHere.get(`${kind}:${name}`);
    const initial = initialContent(entityNamed(kind));
    const after: Row = { ...initial, ...mine, id, modified_at: '', name };
    const key = { entity: kind, id };
    return {
      ...{
        entity: kind,
        id,
        title: name,
        action: 'create',
        because: 'created by a tick on this sheet',
      },
      ...{ before: null, after, sight: null, root: key, kept: [] },
    };
  });
}

export type LinkedName = { kind: 'city' | 'partner'; name: string; row: RowKey };

/** Every city and partner that rows are to be linked with, in the destination's words, each once. */
export function linkedNames(steps: Step[]): LinkedName[] {
  const found = new Map<string, LinkedName>();
  for (const step of steps) {
    for (const [field, { through }] of fieldEntries(entityNamed(step.entity))) {
      const links =
        through && step.action !== 'same' ? ((step.after?.[field] ?? []) as Link[]) : [];
      for (const { city, partner } of links) {
        const row = { entity: step.entity, id: step.id };
        found.set(`city:${city}`, { kind: 'city', name: city, row });
        if (partner !== null) {
          found.set(`partner:${partner}`, { kind: 'partner', name: partner, row });
        }
      }
    }
  }
  return [...found.values()];
}

function noticesOf(facts: Facts, steps: PlannedStep[]): string[] {
  const notices: string[] = [];
  for (const step of steps.filter(({ action }) => action === 'update')) {
    const users = usersInWords(facts, step);
    if (users !== '') {
      const { label } = entityNamed(step.entity);
      notices.push(`${label.one} “${step.title}” is also used there by ${users}.`);
    }
  }
  if (facts.version && facts.versionHere && facts.version.databaseVersion !== facts.versionHere) {
    notices.push(
      `The destination's database is at version ${facts.version.databaseVersion}, this one at ${facts.versionHere}. What is carried fits both.`,
    );
  }
  const written = new Set(steps.map(keyText));
  const stays = [...facts.sights.values()].filter(
    ({ status, entity, key }) =>
      status === 'Only there' && entity.owner !== null && !written.has(keyText(key)),
  );
  for (const { entity, there } of stays) {
    notices.push(
      `${entity.label.one} “${titleOf(entity, there as Row)}” stands only there and stays as it is.`,
    );
  }
  return notices;
}

export function hashOfPlan(facts: Facts, steps: PlannedStep[]): string {
  const sides = steps.map(({ entity, id, action, before, after }) => {
    const side = (row: Row | null) => (row === null ? '-' : canonical(entityNamed(entity), row));
    return [entity, id, action, side(before), side(after)];
  });
  return createHash('sha256')
    .update(JSON.stringify([facts.from, facts.to, sides]))
    .digest('hex');
}

/** Labels and both values of the fields in which a step changes what stands there. */
export function changesOf({
  entity: name,
  before,
  after,
}: Pick<Step, 'entity' | 'before' | 'after'>) {
  const entity = entityNamed(name);
  return fieldEntries(entity)
    .filter(([, field]) => !field.local)
    .map(([field, definition]) => ({
      field,
      definition,
      label: labelOf(entity, field),
      before: before?.[field],
      after: after?.[field],
    }));
}

/** `13 tasks and 1 STS` */
function usersInWords(facts: Facts, step: PlannedStep): string {
  const counts = new Map<string, number>();
  for (const { of, user } of facts.uses) {
    if (keyText(of) === keyText(step) && !user.entity.fields[user.field]?.under) {
      counts.set(user.entity.name, (counts.get(user.entity.name) ?? 0) + 1);
    }
  }
  return [...counts]
    .map(([name, number]) => {
      const { label } = entityNamed(name);
      return `${number} ${lower(label[number === 1 ? 'one' : 'many'])}`;
    })
    .join(' and ');
}
