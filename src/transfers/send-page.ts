// The handler of the transfer button on a sheet.
import { v7 as uuid } from 'uuid';
import type { Request, Response } from 'express';
import * as jobs from '../jobs/jobs.ts';
import * as journal from '../writing/journal.ts';
import { Invalid, Problem, Unavailable } from '../problems.ts';
import { flash } from '../web/pages.ts';
import { accountOf, idempotencyKeyIn } from '../web/request.ts';
import * as selections from '../sheet/selections.ts';
import type { Selection, SelectionKind } from '../sheet/selections.ts';
import { sheetPage } from '../sheet/page.ts';
import { SheetProblems } from '../sheet/problem.ts';
import * as transfers from './send.ts';
import { jobKeyOf } from './job.ts';
import { routeOf, roleOf } from '../sheet/route.ts';
import { changedMeanwhile, savePosted, showOvertaken } from '../sheet/choices-page.ts';
import { addressOf } from '../sheet/routes.ts';

/**
 * Sends the transfer that a sheet shows. If rows have changed here or at the destination since the sheet was shown,
 * shows a new sheet instead.
 */
export const send = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const selection = await confirmedSelection(req, res, kind, req.form.text('selection'));
  if (!selection) return;
  const { key, isKey } = idempotencyKeyIn(req.form);
  try {
    if (!isKey)
      throw new Invalid({
        idempotency_key: 'This sheet was not sent as a whole. Confirm it again.',
      });
    const transfer = await transfers.send(routeOf(req, kind), selection, {
      planHash: req.form.text('plan'),
      idempotencyKey: key,
      name: selection.name,
      reason: selection.reason,
      person: accountOf(req).email,
      role: roleOf(req),
      handOver: (sent) => inTheBackground(req, sent),
    });
    res.redirect(303, `/transfers/${transfer.number}`);
  } catch (error) {
    await showRefused(req, res, kind, error);
  }
};

/**
 * Saves the choices that the form of a sheet posted, and returns the selection with them. Returns null after showing the
 * sheet again, if the form posted choices that the user has not reviewed in a plan.
 */
export async function confirmedSelection(
  req: Request,
  res: Response,
  kind: SelectionKind,
  id: string,
): Promise<Selection | null> {
  req.params['id'] = id;
  const posted = await savePosted(req, kind, id, { unless: 'stored' });
  if (posted.overtaken.length > 0) {
    await showOvertaken(req, res, kind, posted);
    return null;
  }
  const { selection, now, isChangedMeanwhile } = posted;
  const confirmed = { ...selection, ...now };
  const isReviewed = selections.fingerprint(confirmed) === selections.fingerprint(selection);
  if (!isChangedMeanwhile && isReviewed) return confirmed;
  const seeChoices = 'The sheet now shows your choices. Review it, then confirm.';
  flash(req, isChangedMeanwhile ? changedMeanwhile : seeChoices);
  res.redirect(303, addressOf(kind, id, req.form));
  return null;
}

/** Shows the sheet again with the reason why a click was refused. */
export async function showRefused(
  req: Request,
  res: Response,
  kind: SelectionKind,
  error: unknown,
) {
  if (!(error instanceof Problem) || error instanceof Unavailable) throw error;
  res.status(error.status);
  await sheetPage(req, res, {
    kind,
    key: uuid(),
    problem: error.message,
    reasons: reasonsOf(error),
  });
}

export const reasonsOf = (error: Problem): string[] =>
  error instanceof SheetProblems ? error.problems.map(({ reason }) => reason) : [];

/** Queues a large transfer as a job, so that the request does not wait until its rows are written. */
export async function inTheBackground(
  { here, line }: Request,
  { id, name, person }: journal.Transfer,
) {
  const { job } = await jobs.request(here.sql, {
    kind: 'transfer',
    name,
    person,
    input: { transfer: id },
    onlyOne: jobKeyOf(id),
  });
  await line.push(job);
}
