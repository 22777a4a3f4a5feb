// The pages on which a second person approves a transfer: the list of requests, and one request with its sheet.
import type { Request, Response } from 'express';
import { Invalid, NotFound, Problem, Unavailable } from '../problems.ts';
import { needsApproval, type Approval } from '../sheet/approval.ts';
import { sheetView } from '../sheet/page.ts';
import { routeFrom, routeOf } from '../sheet/route.ts';
import { reasonMissing } from './click-problems.ts';
import { SheetProblems } from '../sheet/problem.ts';
import * as selections from '../sheet/selections.ts';
import type { SelectionKind } from '../sheet/selections.ts';
import { addressOf } from '../sheet/routes.ts';
import { sheetKinds } from '../sheet/sheet-kinds.ts';
import { prepareSheet, type Sheet } from '../sheet/sheet.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf } from '../web/request.ts';
import { shorten } from '../web/shorten.ts';
import * as journal from '../writing/journal.ts';
import * as records from './approval-records.ts';
import { barOf, decidedText, lineOf, readOnly, stateText } from './approval-view.ts';
import * as approvals from './approvals.ts';
import { changesSince } from './plan-changes.ts';
import { confirmedSelection, inTheBackground, reasonsOf, showRefused } from './send-page.ts';
import { confirmedPlan, nameOf, send } from './send.ts';

export async function index(req: Request, res: Response) {
  const { email } = accountOf(req);
  const all = (await records.list(req.here.sql)).map((one) => lineOf(one, email));
  await page(req, res, 'transfers/approvals', {
    title: 'Approvals',
    crumbs: [{ text: 'Approvals' }],
    isRequired: req.here.settings.requireApproval,
    waiting: all.filter(({ state }) => state === 'waiting'),
    decided: all.filter(({ state }) => state !== 'waiting'),
  });
}

/** Asks for approval of the plan that a sheet shows. */
export const ask = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const selection = await confirmedSelection(req, res, kind, String(req.params['id']));
  if (!selection) return;
  const route = routeOf(req, kind);
  try {
    if (!(await needsApproval(route, selection))) {
      flash(req, 'This needs no approval: send it yourself.');
      return res.redirect(303, addressOf(kind, selection.id, req.form));
    }
    if (!selection.reason) throw new SheetProblems([reasonMissing(route)]);
    const plan = await confirmedPlan(route, selection, req.form.text('plan'));
    const id = await approvals.ask(req.here, selection, {
      plan,
      name: selection.name || nameOf(plan.steps),
      reason: selection.reason,
      person: accountOf(req).email,
      to: route.to.rules,
    });
    flash(req, 'Approval asked for. Every other product manager was notified.');
    res.redirect(303, `/approvals/${id}`);
  } catch (error) {
    await showRefused(req, res, kind, error);
  }
};

export const show = (req: Request, res: Response) => approvalPage(req, res, {});

type Shown = { problem?: string; reasons?: string[]; note?: string; errors?: object };

async function approvalPage(req: Request, res: Response, shown: Shown) {
  const { here } = req;
  const approval = await records.find(here.sql, idOf(req));
  const transfer = approval.transfer && (await journal.byId(here.sql, approval.transfer));
  const isOpen = approval.state === 'waiting' || approval.state === 'overtaken';
  const { found, trouble } = isOpen ? await sheetNow(req, approval) : unread;
  const isSame = found?.sheet.plan.hash === approval.plan_hash;
  const isOvertaken = isOpen && !isSame && trouble === null;
  const sheet = found && isSame ? sheetView(req, found.route, found.selection, found.sheet) : null;
  await page(req, res, 'transfers/approval', {
    problem: '',
    reasons: [],
    note: '',
    ...shown,
    title: `${shown.problem || shown.errors ? 'Error: ' : ''}${approval.name}`,
    crumbs: [{ text: 'Approvals', href: '/approvals' }, { text: approval.name }],
    approval,
    to: here.destination?.rules ?? here.rules,
    number: transfer ? transfer.number : null,
    state: stateText(approval, isOvertaken),
    decidedText: decidedText(approval),
    reviewHref: `${sheetKinds[approval.kind].path}/${approval.selection}`,
    isOvertaken,
    trouble,
    changes: found ? shorten(await changesOf(req, approval, found), LISTED) : null,
    sheet: sheet && readOnly(sheet, `/approvals/${approval.id}`),
    bar: barOf(approval, accountOf(req).email, found && isSame ? found.sheet.plan : null),
    target: here.destination?.name ?? here.name,
  });
}

/** The page of a request lists at most this many changes since it was made, and says how many more there are. */
const LISTED = 20;

type Found = { route: ReturnType<typeof routeFrom>; selection: selections.Selection; sheet: Sheet };

const unread = { found: null, trouble: null };

/**
 * Plans the selection of a request again, as the person who asked would plan it now. `found` is null if the selection
 * was removed or if the destination does not answer; in the latter case `trouble` contains the message.
 */
async function sheetNow(
  req: Request,
  { kind, selection: id, asked_by: asker }: Approval,
): Promise<{ found: Found | null; trouble: string | null }> {
  try {
    const route = routeFrom(req.here, asker, kind);
    const selection = await selections.find(req.here.sql, id, kind);
    const sheet = await prepareSheet(route, selection);
    return { found: { route, selection, sheet }, trouble: null };
  } catch (error) {
    if (error instanceof Unavailable) return { found: null, trouble: error.message };
    if (error instanceof NotFound) return unread;
    throw error;
  }
}

const changesOf = async (req: Request, { id }: Approval, { route, sheet }: Found) =>
  changesSince(await records.rowsThen(req.here.sql, id), sheet.plan, {
    from: route.from.rules,
    to: route.to.rules,
  });

/** Approves a request and sends exactly its plan. */
export async function approve(req: Request, res: Response) {
  const { here } = req;
  const approval = await records.find(here.sql, idOf(req));
  const { id, kind, asked_by: asker, plan_hash: planHash, name, reason } = approval;
  const by = accountOf(req).email;
  try {
    const selection = await selections.find(here.sql, approval.selection, kind);
    const transfer = await send(routeFrom(here, asker, kind), selection, {
      planHash,
      // The id of the request is the idempotency key of its transfer, so that the transfer is sent only once, even if
      // several people approve the request.
      idempotencyKey: id,
      name,
      reason,
      person: asker,
      approval: { id, by },
      handOver: (sent) => inTheBackground(req, sent),
    });
    res.redirect(303, `/transfers/${transfer.number}`);
  } catch (error) {
    if (!(error instanceof Problem) || error instanceof Unavailable) throw error;
    const reasons = reasonsOf(error);
    const isMoved = reasons.some((reason) => movedReasons.includes(reason));
    if (isMoved) await approvals.overtake(here, approval, by);
    res.status(error.status);
    await approvalPage(req, res, {
      problem: isMoved ? 'Something changed since approval was asked for.' : error.message,
      reasons: isMoved ? ['overtaken'] : reasons,
    });
  }
}

/** The reason codes which mean that the present plan differs from the plan for which approval was asked. */
const movedReasons = ['sheet-outdated', 'already-sent'];

export async function refuse(req: Request, res: Response) {
  const note = req.form.text('note');
  await orShowErrors(
    res,
    async () => {
      const text = req.form.textUpTo(500, 'note', 'Note');
      if (text === '') throw new Invalid({ note: 'Say why, for the person who asked' });
      await approvals.refuse(req.here, idOf(req), accountOf(req).email, text);
      flash(req, 'Not approved. Its asker was notified.');
      res.redirect(303, '/approvals');
    },
    (errors) => approvalPage(req, res, { errors, note }),
  );
}

export async function withdraw(req: Request, res: Response) {
  await approvals.withdraw(req.here, idOf(req), accountOf(req).email);
  flash(req, 'Request withdrawn. Nothing was sent.');
  res.redirect(303, '/approvals');
}

const idOf = (req: Request) => String(req.params['id']);
