// The handler of the transfer button on a sheet.
import { v7 as uuid } from 'uuid';
import type { Request, Response } from 'express';
import * as jobs from '../jobs/jobs.ts';
import * as journal from '../writing/journal.ts';
import { Invalid, Problem, Unavailable } from '../problems.ts';
import { flash } from '../web/pages.ts';
import { accountOf, idempotencyKeyIn } from '../web/request.ts';
import * as selections from '../sheet/selections.ts';
import type { SelectionKind } from '../sheet/selections.ts';
import { sheetPage } from '../sheet/page.ts';
import { SheetProblems } from '../sheet/problem.ts';
import * as transfers from './send.ts';
import { jobKeyOf } from './job.ts';
import { routeOf, roleOf } from '../sheet/route.ts';
import { changedMeanwhile, savePosted, showOvertaken } from '../sheet/choices-page.ts';
import { addressOf } from '../sheet/routes.ts';

/** Sends the transfer that a sheet shows. If either side changed since, the sheet is shown again instead. */
export const send = (kind: SelectionKind) => async (req: Request, res: Response) => {
  const id = req.form.text('selection');
  req.params['id'] = id;
  const posted = await savePosted(req, kind, id, { unless: 'stored' });
  if (posted.overtaken.length > 0) return showOvertaken(req, res, kind, posted);
  const { selection, now, isChangedMeanwhile } = posted;
  if (isChangedMeanwhile) {
    flash(req, changedMeanwhile);
    return res.redirect(303, addressOf(kind, id, req.form));
  }
  // The form of the transfer button may also post a new choice. The user must first review the plan
  // with that choice.
  if (selections.fingerprint({ ...selection, ...now }) !== selections.fingerprint(selection)) {
    flash(req, 'The sheet now shows your choices. Review it, then confirm.');
    return res.redirect(303, addressOf(kind, id, req.form));
  }
  const { key, isKey } = idempotencyKeyIn(req.form);
  try {
    if (!isKey)
      throw new Invalid({
        idempotency_key: 'This sheet was not sent as a whole. Confirm it again.',
      });
    const transfer = await transfers.send(
      routeOf(req, kind),
      { ...selection, ...now },
      {
        planHash: req.form.text('plan'),
        idempotencyKey: key,
        name: now.name,
        reason: now.reason,
        person: accountOf(req).email,
        role: roleOf(req),
        handOver: (sent) => inTheBackground(req, sent),
      },
    );
    res.redirect(303, `/transfers/${transfer.number}`);
  } catch (error) {
    if (!(error instanceof Problem) || error instanceof Unavailable) throw error;
    res.status(error.status);
    const reasons =
      error instanceof SheetProblems ? error.problems.map(({ reason }) => reason) : [];
    await sheetPage(req, res, { kind, key: uuid(), problem: error.message, reasons });
  }
};

/** Queues a large transfer as a job, so that the request does not wait until its rows are written. */
async function inTheBackground({ here, line }: Request, { id, name, person }: journal.Transfer) {
  const { job } = await jobs.request(here.sql, {
    kind: 'transfer',
    name,
    person,
    input: { transfer: id },
    onlyOne: jobKeyOf(id),
  });
  await line.push(job);
}
