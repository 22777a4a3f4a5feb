// The sheet as a page: counts, rows with what differs, problems with their ways out.
import type { Request, Response } from 'express';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { rung } from '../environments/rules.ts';
import { allNames } from '../rows/names.ts';
import type * as journal from '../writing/journal.ts';
import { page } from '../web/pages.ts';
import { numberOrNull, textIn } from '../web/request.ts';
import { kindsInWords } from '../web/format.ts';
import { childOffers } from './children.ts';
import { DELETE, OVERWRITE } from './choices.ts';
import * as selections from './selections.ts';
import type { SelectionKind } from './selections.ts';
import { groupsOf, inOrder } from './rows.ts';
import { prepare } from './sheet.ts';
import type { PlannedStep } from './planned-step.ts';
import { asksReason, roadOf, roleOf } from './route.ts';
import { SHOWN, turnTo } from '../web/paginate.ts';

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
  const written = inOrder(
    plan.steps.filter((step) => step.action !== 'same' || step.kept.length > 0),
  );
  const turned = turnTo(
    written,
    numberOrNull(req.query['page']) ?? numberOrNull(textIn(req.body, 'page')),
  );
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
    asksReason: asksReason(road, { role: roleOf(req) }),
    counts: countsOf(plan.steps),
    groups: groupsOf(turned.shown, facts, selection.choices),
    turned,
    chosen: new Set(selection.keys.map(keyText)),
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

function titleOfSheet({ kind, name }: selections.Selection, to: { inText: string }): string {
  if (kind === 'undo') return `${name} in ${to.inText}`;
  return kind === 'transfer' ? `Transfer to ${to.inText}` : `Bring back into ${to.inText}`;
}

function countsOf(steps: PlannedStep[]) {
  const of = (action: journal.Action) => {
    const own = steps.filter((step) => step.action === action);
    return { number: own.length, words: kindsInWords(own) };
  };
  return { create: of('create'), update: of('update'), remove: of('remove'), same: of('same') };
}
