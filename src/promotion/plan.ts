// What a transfer would do, and everything that stands in its way: decided from facts, without a database.
import { createHash } from 'node:crypto';
import { canonical, contentOf } from '../catalog/content.ts';
import {
  fieldEntries,
  initialContent,
  keyText,
  labelOf,
  titleOf,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import type { Link } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { climb, parentsOf, type Going, type Offer } from './climb.ts';
import type { Sight } from './compare.ts';
import type { Facts } from './facts.ts';
import type { Step } from './journal.ts';
import { inWritingOrder } from './order.ts';
import { problemsOf, type Problem } from './problems-of-plan.ts';
import { overwrites } from './status.ts';

/** What the person decided on the sheet. Keys are key texts (`task:12`), names are `city:Pune`. */
export type Choices = {
  include: string[];
  create: string[];
  /** Send rows again that are the same there, for a fresh `modified_at`. */
  resend: boolean;
  /** The typed word that allows to overwrite what changed there, */
  overwrite: string;
  /** and the plan that it was typed for: what changes later is not covered. */
  overwriteFor: string;
};
export const noChoices: Choices = {
  include: [],
  create: [],
  resend: false,
  overwrite: '',
  overwriteFor: '',
};
export const OVERWRITE = 'overwrite';

export type PlannedStep = Step & { sight: Sight | null; root: RowKey };

export type Plan = {
  steps: PlannedStep[];
  problems: Problem[];
  notices: string[];
  /** Parents that are there already, but differ. */
  offers: Offer[];
  reliedOn: RowKey[];
  /** SHA-256 over both sides' content; instants left out. */
  hash: string;
};

export function planTransfer(facts: Facts, choices: Choices): Plan {
  const { going, offers, reliedOn, missing } = climb(facts, choices);
  const steps = [...going.values()].flatMap((one) => stepOf(facts, choices, one) ?? []);
  const names = createdNames(facts, choices, steps);
  const all = inWritingOrder([...names, ...steps]);
  const hash = hashOfPlan(facts, all);
  const mayOverwrite =
    choices.overwrite.trim().toLowerCase() === OVERWRITE && choices.overwriteFor === hash;
  const problems = [...missing, ...problemsOf(facts, choices, all, { mayOverwrite })];
  return {
    steps: all,
    problems,
    notices: noticesOf(facts, all),
    offers,
    reliedOn: [...reliedOn, ...sameParents(all)],
    hash,
  };
}

/** Parents that stay as they are there, while something that needs them is written. */
function sameParents(steps: PlannedStep[]): RowKey[] {
  const needed = new Set(
    steps
      .filter(({ action, sight }) => action !== 'same' && sight)
      .flatMap(({ sight }) => parentsOf(sight as Sight))
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
  };
  if (status === 'In sync' && !choices.resend) {
    return { ...common, action: 'same', before: there, after: there };
  }
  if (here === null) {
    // Made there, or already gone: nothing of ours to send.
    if (status === 'Only there') return null;
    return { ...common, action: 'remove', before: there, after: null };
  }
  const after = withTheirLocals(entity, here, there);
  return { ...common, action: there === null ? 'create' : 'update', before: there, after };
}

/** The picked (or needed) row under which the sheet shows a row. */
function rootKeyOf(facts: Facts, { entity, here, there, key }: Sight): RowKey {
  const owner = entity.owner ? (here ?? there)?.[entity.owner] : undefined;
  const to = entity.owner ? entity.fields[entity.owner]?.to : undefined;
  return typeof owner === 'number' && to && facts.sights.has(keyText({ entity: to, id: owner }))
    ? { entity: to, id: owner }
    : key;
}

/** All columns are written; a local one keeps the value it has there. */
function withTheirLocals(entity: Entity, here: Row, there: Row | null): Row {
  const after: Row = { ...here };
  for (const [name, field] of fieldEntries(entity)) {
    if (field.local) after[name] = there ? (there[name] ?? null) : field.initial;
  }
  return after;
}

/** Cities and partners that a tick creates there; their ids are drawn there when the transfer begins. */
function createdNames(facts: Facts, choices: Choices, steps: Step[]): PlannedStep[] {
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
      ...{ before: null, after, sight: null, root: key },
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
    const users = facts.usedThere
      .filter(({ key }) => keyText(key) === keyText(step))
      .map(({ by, count }) => `${count} ${by}`);
    if (users.length > 0) {
      const { label } = entityNamed(step.entity);
      notices.push(`${label.one} “${step.title}” is also used there by ${users.join(' and ')}.`);
    }
  }
  if (facts.version && facts.versionHere && facts.version.databaseVersion !== facts.versionHere) {
    notices.push(
      `The destination's database is at version ${facts.version.databaseVersion}, this one at ${facts.versionHere}. What is carried fits both.`,
    );
  }
  const stays = [...facts.sights.values()].filter(
    ({ status, entity }) => status === 'Only there' && entity.owner !== null,
  );
  for (const { entity, there } of stays) {
    notices.push(
      `${entity.label.one} “${titleOf(entity, there as Row)}” stands only there and stays as it is.`,
    );
  }
  return notices;
}

function hashOfPlan(facts: Facts, steps: PlannedStep[]): string {
  const sides = steps.map(({ entity, id, action, before, after }) => {
    const side = (row: Row | null) =>
      row === null ? '-' : canonical(contentOf(entityNamed(entity), row));
    return [entity, id, action, side(before), side(after)];
  });
  return createHash('sha256')
    .update(JSON.stringify([facts.from, facts.to, sides]))
    .digest('hex');
}

/** Labels and both values of the fields in which a step changes what stands there. */
export function changesOf({ entity: name, before, after }: Step) {
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

export const needsOverwrite = (step: PlannedStep): boolean =>
  step.action !== 'same' &&
  step.sight?.status !== undefined &&
  step.sight.status !== null &&
  (overwrites(step.sight.status) || step.sight.status === 'Deleted here, changed there');
