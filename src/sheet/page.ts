// The transfer sheet as a page: counts, rows with their differences, problems with their solutions.
import type { Request, Response } from 'express';
import { keyText } from '../catalog/entity.ts';
import { matchedByName } from '../catalog/index.ts';
import { askFarSide } from '../environments/far-side.ts';
import { namesByEntity } from '../rows/names.ts';
import { needsApproval, waitingApproval } from './approval.ts';
import { page } from '../web/pages.ts';
import { can, numberOrNull } from '../web/request.ts';
import { keptView } from './kept-view.ts';
import { shownOn } from './merge-choices.ts';
import { offersNames, problemsView, solutionForms, type SheetPlace } from './problems-view.ts';
import type { Plan } from './plan.ts';
import { referrerOffers } from './referrers.ts';
import type { Rehearsal } from './rehearsal.ts';
import { asksReason, roleOf, routeOf, type Route } from './route.ts';
import { countUntested, jumpsTo, pageOfSections, sectionsOf, shownSections } from './rows.ts';
import * as selections from './selections.ts';
import type { SelectionKind } from './selections.ts';
import { sheetKinds } from './sheet-kinds.ts';
import {
  chosenView,
  confirmationView,
  headingOf,
  introOf,
  promiseOf,
  pagingView,
  relatedView,
  sameView,
  skippedView,
  warningsView,
  type ApprovalView,
} from './sheet-view.ts';
import { prepareSheet, type Sheet } from './sheet.ts';
import { tilesOf } from './sums.ts';

type Shown = {
  kind: SelectionKind;
  key: string;
  problem: string;
  /** The reason codes of the problems that the text in the property `problem` describes. */
  reasons?: string[];
  rehearsal?: Rehearsal;
  /**
   * The heading of an error that does not concern the transfer, such as `The selection has no name yet`. By default,
   * the heading says that nothing was transferred.
   */
  failure?: string;
  /** Choices that the user typed and that were not saved. */
  now?: selections.SavedChoices;
};

export async function sheetPage(req: Request, res: Response, shown: Shown) {
  const { kind } = shown;
  const route = routeOf(req, kind);
  const stored = await selections.find(req.here.sql, String(req.params['id']), kind);
  const selection = { ...stored, ...shown.now };
  const sheet = await prepareSheet(route, selection);
  const { plan } = sheet;
  const [from, to] = [route.from.rules, route.to.rules];
  const place = placeOf(req, selection, sheet, { from, to });
  const common = sheetView(req, route, selection, sheet);
  const referrers = kind === 'transfer' ? await referrerOffers(req.here, sheet) : [];
  const approval = await approvalView(req, route, selection, plan);
  const kept = await keptView(req.here, selection, sheet);
  await page(req, res, 'sheet/sheet', {
    rehearsal: null,
    reasons: [],
    ...shown,
    ...common,
    title: `${shown.problem ? 'Error: ' : ''}${common.heading}`,
    crumbs: crumbsOf(selection),
    problemHref: shown.reasons?.includes('reason-missing') ? '#f-reason' : null,
    failure: shown.failure ?? `Nothing was ${sheetKinds[kind].done}`,
    kept,
    promise: promiseOf(kept?.schedule?.state),
    words: sheetKinds[kind],
    address: place.address,
    selection,
    plan,
    problems: problemsView(plan, place),
    forms: solutionForms(plan, place),
    datalists: offersNames(plan) ? await namesThere(route) : [],
    related: relatedView(plan, selection, referrers),
    was: JSON.stringify(shownOn(stored, common.rows.shown.map(keyText))),
    approval,
    confirmation: confirmationView(plan, selection, to, {
      asksReason: asksReason(route, { role: roleOf(req) }) || approval !== null,
      untested: common.untested,
      approval,
    }),
  });
}

/**
 * Returns the values that two pages show about the rows of a sheet: the sheet itself, and the page of an approval,
 * where the rows cannot be changed.
 */
export function sheetView(
  req: Request,
  route: Route,
  selection: selections.Selection,
  { plan, facts }: Sheet,
) {
  const { kind } = selection;
  const [from, to] = [route.from.rules, route.to.rules];
  const sections = sectionsOf(listedSteps(plan));
  const rows = pageOfSections(sections, wantedPage(req));
  const tested = kind === 'transfer' ? countUntested(plan.steps, facts) : { untested: 0, of: 0 };
  return {
    heading: headingOf(selection, to),
    intro: introOf(kind, from, to),
    to,
    target: route.to.name,
    tiles: tilesOf(plan, tested, kind),
    untested: tested.untested,
    chosen: chosenView(plan, selection, to),
    skipped: skippedView(plan),
    notices: plan.notices,
    warnings: warningsView(plan),
    paging: pagingView(rows),
    rows,
    jumps: jumpsTo(sections),
    sections: shownSections(sections, rows.shown, facts, selection),
    same: sameView(plan, selection, to),
  };
}

/** Returns the state of the approval of this plan; null if the plan requires no approval. */
async function approvalView(
  req: Request,
  route: Route,
  selection: selections.Selection,
  plan: Plan,
): Promise<ApprovalView | null> {
  if (!(await needsApproval(route, selection))) return null;
  const waiting = await waitingApproval(req.here.sql, selection.id);
  return {
    mayAsk: can(req, 'transfer'),
    waiting: waiting ? { ...waiting, isForThisPlan: waiting.plan_hash === plan.hash } : null,
  };
}

const crumbsOf = ({ kept_at: keptAt, name }: selections.Selection) =>
  keptAt === null
    ? [{ text: 'Transfers', href: '/transfers' }, { text: 'Review' }]
    : [{ text: 'Selections', href: '/selections' }, { text: name }];

/** Returns the rows that are written or have an excluded field. Unchanged rows have their own section. */
const listedSteps = ({ steps }: Plan) =>
  steps.filter((step) => step.action !== 'same' || step.excludedFields.length > 0);

const wantedPage = (req: Request) =>
  numberOrNull(req.query['page']) ?? numberOrNull(req.form.text('page'));

function placeOf(
  req: Request,
  selection: selections.Selection,
  { facts }: Sheet,
  ends: Pick<SheetPlace, 'from' | 'to'>,
): SheetPlace {
  const { kind, id } = selection;
  return {
    ...ends,
    selection,
    address: `${sheetKinds[kind].path}/${id}`,
    mayGiveNewId: kind === 'transfer' && can(req, 'edit'),
    mayTakeOver: kind === 'transfer' && can(req, 'take-over'),
    seenOf: (key) => facts.pairs.get(keyText(key))?.state?.engineering_at ?? '',
    heldAt: (key) => facts.pairs.get(keyText(key))?.state?.held_at ?? '',
  };
}

/** Reads the names of cities and partners at the destination, which the sheet suggests for a name mapping. */
async function namesThere({ to }: Route) {
  const entities = matchedByName.map(({ name }) => name);
  const names = await askFarSide(to, () => namesByEntity(to.sql, entities));
  return entities.map((entity) => ({ id: `there-${entity}`, names: names[entity] ?? [] }));
}
