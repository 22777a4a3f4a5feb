// The sheet as a page: counts, rows with what differs, problems with their ways out.
import type { Request, Response } from 'express';
import { isSameRow, isSameValue } from '../catalog/content.ts';
import { fieldEntries, keyText, labelOf, titleOf, type RowKey } from '../catalog/entity.ts';
import { textOf, type Field, type Value } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { rung } from '../environments/ladder.ts';
import { allNames } from '../environments/names.ts';
import type * as journal from '../journal/journal.ts';
import { page } from '../web/pages.ts';
import { accountOf } from '../web/request.ts';
import { difference, inWords, plural } from '../web/words.ts';
import { childOffers } from './children.ts';
import { DELETE, OVERWRITE, type Choices } from './choices.ts';
import type { Facts } from './facts.ts';
import { baseOf, changedThere } from './overwriting.ts';
import { changesOf, type PlannedStep } from './plan.ts';
import * as selections from './selections.ts';
import type { SelectionKind } from './selections.ts';
import { roadFrom } from './roads.ts';
import { prepare, type Road } from './sheets.ts';
import * as transfers from './transfers.ts';

/** How many rows a page lists at the most; the rest is counted. */
export const SHOWN = 200;

/** Where each kind of sheet lives, where its click goes, and its words. */
export const sheetKinds = {
  transfer: { path: '/selections', send: '/transfers', verb: 'Transfer', done: 'transferred' },
  undo: { path: '/undos', send: '/undos', verb: 'Undo', done: 'undone' },
  'bring-back': {
    path: '/bring-backs',
    send: '/bring-backs',
    verb: 'Bring back',
    done: 'brought back',
  },
} as const;

export async function sheetPage(
  req: Request,
  res: Response,
  shown: { kind: SelectionKind; key: string; problem: string; rehearsal?: string },
) {
  const { kind } = shown;
  const road = roadOf(req, kind);
  const selection = await selections.find(req.here.sql, String(req.params['id']), kind);
  const sheet = await prepare(road, selection);
  const { plan, facts } = sheet;
  const written = plan.steps
    .filter((step) => step.action !== 'same' || step.kept.length > 0)
    .toSorted((one, other) => Number(isSentAgain(one)) - Number(isSentAgain(other)));
  const to = rung(road.there.name);
  const title = titleOfSheet(selection, to);
  await page(req, res, 'promotion/sheet', {
    rehearsal: '',
    ...shown,
    title: `${shown.problem ? 'Error: ' : ''}${title}`,
    heading: title,
    crumbs: [{ text: 'Transfers', href: '/transfers' }, { text: 'Review' }],
    words: sheetKinds[kind],
    selection,
    plan,
    to,
    from: rung(road.here.name),
    asksReason: transfers.asksReason(road, { role: roleOf(req) }),
    counts: countsOf(plan.steps),
    groups: groupsOf(written.slice(0, SHOWN), facts, selection.choices),
    hidden: Math.max(0, written.length - SHOWN),
    written: plan.steps.filter((step) => step.action !== 'same').length,
    same: plan.steps.filter((step) => step.action === 'same').slice(0, SHOWN),
    OVERWRITE,
    DELETE,
    names: {
      city: await allNames(road.there.sql, 'city'),
      partner: await allNames(road.there.sql, 'partner'),
    },
    children: kind === 'transfer' ? await childOffers(req.here, sheet) : [],
    testedOf: (one: RowKey) => facts.tested.get(keyText(one)),
    stateOf: (one: RowKey) => facts.sights.get(keyText(one))?.state,
    keyText,
  });
}

/** The same there already: it goes for a fresh modified_at alone, and is shown last. */
const isSentAgain = ({ entity, before, after }: PlannedStep) =>
  before !== null && isSameRow(entityNamed(entity), before, after);

function titleOfSheet({ kind, name }: selections.Selection, to: { inText: string }): string {
  if (kind === 'undo') return `${name} in ${to.inText}`;
  return kind === 'transfer' ? `Transfer to ${to.inText}` : `Bring back into ${to.inText}`;
}

/** Who acts: a product manager, or whoever is on call. */
export const roleOf = (req: Request) =>
  accountOf(req).permissions.includes('product_manager') ? 'product_manager' : 'on_call';

function countsOf(steps: PlannedStep[]) {
  const of = (action: journal.Action) => {
    const own = steps.filter((step) => step.action === action);
    const kinds = new Map<string, number>();
    for (const { entity } of own) kinds.set(entity, (kinds.get(entity) ?? 0) + 1);
    const words = [...kinds].map(([name, number]) => plural(number, entityNamed(name).label));
    return { number: own.length, words: words.join(', ') };
  };
  return { create: of('create'), update: of('update'), remove: of('remove'), same: of('same') };
}

/** Steps under the row they belong to, each with the fields that differ. */
function groupsOf(steps: PlannedStep[], facts: Facts, choices: Choices) {
  const groups = new Map<string, { root: RowKey; steps: ReturnType<typeof stepInWords>[] }>();
  for (const step of steps) {
    const text = keyText(step.root);
    const group = groups.get(text) ?? { root: step.root, steps: [] };
    const isRoot = keyText(step) === text;
    group.steps[isRoot ? 'unshift' : 'push'](stepInWords(step, facts, choices));
    groups.set(text, group);
  }
  return [...groups.values()];
}

function stepInWords(step: PlannedStep, { sights, statesThere }: Facts, choices: Choices) {
  const words = (field: Field, value: Value | undefined) => {
    const sight = field.to ? sights.get(`${field.to}:${textOf(value)}`) : undefined;
    const row = sight?.here ?? sight?.there;
    const plain = inWords(field, value);
    return sight && row ? `${titleOf(sight.entity, row)} #${plain}` : plain;
  };
  const base = step.sight && baseOf(step.sight);
  const theirs = new Set(step.sight ? changedThere(step.sight) : []);
  const fields = changesOf(step).map(({ field, definition, label, before, after }) => {
    const [was, will] = [words(definition, before), words(definition, after)];
    const isSame = isSameValue(before, after);
    const isKept = step.kept.includes(field);
    return {
      ...{ field, label, isSame, isKept, ...difference(was, will), value: will },
      ours: isKept ? words(definition, step.sight?.here?.[field]) : will,
      /** What both sides had when they were last equal, where the other side changed it since. */
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
    ...{ step, entity, locals },
    status: step.sight?.status ?? null,
    differing: fields.filter(({ isSame, isKept }) => !isSame || isKept),
    same: fields.filter(({ isSame, isKept }) => isSame && !isKept),
    changedThere: theirs.size > 0 ? (statesThere.get(keyText(step)) ?? null) : null,
  };
}

export const roadOf = (req: Request, kind: SelectionKind = 'transfer'): Road =>
  roadFrom(req.here, accountOf(req).email, kind);
