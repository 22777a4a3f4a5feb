// The sheet as a page: counts, changed rows, problems with their solutions.
import type { Request, Response } from 'express';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { matchedByName } from '../catalog/index.ts';
import { rulesOf } from '../environments/rules.ts';
import { namesByEntity } from '../rows/names.ts';
import type * as journal from '../writing/journal.ts';
import { page } from '../web/pages.ts';
import { numberOrNull, textIn } from '../web/request.ts';
import { countsByType } from '../web/format.ts';
import { childOffers } from './children.ts';
import { DELETE, OVERWRITE } from './choices.ts';
import * as selections from './selections.ts';
import type { SelectionKind } from './selections.ts';
import { groupsOf, replacementsFirst } from './rows.ts';
import { prepareSheet } from './sheet.ts';
import type { PlannedStep } from './planned-step.ts';
import { asksReason, routeOf, roleOf } from './route.ts';
import { PAGE_SIZE, paginate } from '../web/paginate.ts';

/** Paths and words of each kind of sheet. */
export const sheetKinds = {
  transfer: { path: '/selections', send: '/transfers', verb: 'Transfer', done: 'transferred' },
  undo: { path: '/undos', send: '/undos', verb: 'Undo', done: 'undone' },
  restore: {
    path: '/restores',
    send: '/restores',
    verb: 'Bring back',
    done: 'brought back',
  },
} as const;

export async function sheetPage(
  req: Request,
  res: Response,
  shown: {
    kind: SelectionKind;
    key: string;
    problem: string;
    /** Codes of the problems in `problem`. */
    reasons?: string[];
    rehearsal?: string;
  },
) {
  const { kind } = shown;
  const route = routeOf(req, kind);
  const selection = await selections.find(req.here.sql, String(req.params['id']), kind);
  const sheet = await prepareSheet(route, selection);
  const { plan, facts } = sheet;
  const written = replacementsFirst(
    plan.steps.filter((step) => step.action !== 'same' || step.excludedFields.length > 0),
  );
  const turned = paginate(
    written,
    numberOrNull(req.query['page']) ?? numberOrNull(textIn(req.body, 'page')),
  );
  const to = rulesOf(route.to.name);
  const title = titleOfSheet(selection, to);
  await page(req, res, 'sheet/sheet', {
    rehearsal: '',
    reasons: [],
    ...shown,
    title: `${shown.problem ? 'Error: ' : ''}${title}`,
    heading: title,
    crumbs: [{ text: 'Transfers', href: '/transfers' }, { text: 'Review' }],
    words: sheetKinds[kind],
    selection,
    plan,
    to,
    from: rulesOf(route.from.name),
    asksReason: asksReason(route, { role: roleOf(req) }),
    counts: countsOf(plan.steps),
    groups: groupsOf(turned.shown, facts, selection.choices),
    turned,
    chosen: new Set(selection.keys.map(keyText)),
    written: plan.steps.filter((step) => step.action !== 'same').length,
    same: plan.steps.filter((step) => step.action === 'same').slice(0, PAGE_SIZE),
    OVERWRITE,
    DELETE,
    names: await namesByEntity(
      route.to.sql,
      matchedByName.map(({ name }) => name),
    ),
    children: kind === 'transfer' ? await childOffers(req.here, sheet) : [],
    testedOf: (one: RowKey) => facts.tested.get(keyText(one)),
    stateOf: (one: RowKey) => facts.pairs.get(keyText(one))?.state,
    keyText,
  });
}

function titleOfSheet({ kind, name }: selections.Selection, to: { inText: string }): string {
  if (kind === 'undo') return `${name} in ${to.inText}`;
  return kind === 'transfer' ? `Transfer to ${to.inText}` : `Bring back into ${to.inText}`;
}

function countsOf(steps: PlannedStep[]) {
  const of = (action: journal.StepAction) => {
    const own = steps.filter((step) => step.action === action);
    return { number: own.length, words: countsByType(own) };
  };
  return { create: of('create'), update: of('update'), remove: of('remove'), same: of('same') };
}
