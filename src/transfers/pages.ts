// The pages of a transfer: its results, and decisions about a transfer that needs attention.
import type { Request, Response } from 'express';
import { keyText } from '../catalog/entity.ts';
import { rootOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import type { App } from '../environments/app.ts';
import { tryFarSide } from '../environments/far-side.ts';
import { rulesOf } from '../environments/rules.ts';
import { unreachable } from '../environments/unreachable.ts';
import * as jobs from '../jobs/jobs.ts';
import { referencedTitles } from '../web/referenced-titles.ts';
import { jobView } from '../jobs/view.ts';
import { NotFound } from '../problems.ts';
import { titlesOf } from '../state/untouched.ts';
import { flash, page } from '../web/pages.ts';
import { PAGE_SIZE, paginate } from '../web/paginate.ts';
import { accountOf, can, numberOrNull } from '../web/request.ts';
import { shorten } from '../web/shorten.ts';
import * as journal from '../writing/journal.ts';
import { manualResolution, resolveManually } from '../writing/manual-resolution.ts';
import { jobKeyOf } from './job.ts';
import { notAsSent } from './remarks.ts';
import { wayOutOf } from './way-out.ts';
import { doneText, resolutionView, routeText, shownState, stepLine } from './view.ts';

export async function show(req: Request, res: Response) {
  const { here } = req;
  const transfer = await addressedTransfer(req);
  const steps = await journal.stepsOf(here.sql, transfer.id);
  const written = steps.filter((step) => step.action !== 'same');
  const same = shorten(
    steps.filter((step) => step.action === 'same'),
    PAGE_SIZE,
  );
  const shown = paginate(
    written.toSorted((one, other) => Number(isUnplanned(other)) - Number(isUnplanned(one))),
    numberOrNull(req.query['page']),
  );
  const job = await jobs.active(here.sql, jobKeyOf(transfer.id));
  const isHere = transfer.destination === here.name;
  const there = here.settings.urls[transfer.destination];
  await page(req, res, 'transfers/transfer', {
    title: `Transfer ${transfer.number}: ${transfer.name}`,
    crumbs: [{ text: 'Transfers', href: '/transfers' }, { text: `Transfer ${transfer.number}` }],
    transfer,
    state: shownState(transfer, job !== undefined),
    doneText: doneText(transfer, written.length),
    written: written.length,
    wayOut: wayOutOf(transfer),
    differing: notAsSent(steps)?.text ?? null,
    job: job ? jobView(job) : null,
    route: routeText(transfer),
    to: rulesOf(transfer.destination),
    thereHref: there && !isHere ? `${there}/arrivals` : null,
    former: transfer.undoes ? ((await journal.byId(here.sql, transfer.undoes)) ?? null) : null,
    undoneBy: await journal.undoing(here.sql, transfer.id),
    mayUndo:
      can(req, isHere ? 'take-over' : 'undo') &&
      transfer.state === 'verified' &&
      journal.isSent(transfer),
    steps: await stepLines(here, transfer, shown.shown),
    same: {
      number: steps.length - written.length,
      steps: await stepLines(here, transfer, same.shown),
      more: same.more,
    },
    rows: { ...shown, shown: shown.shown.length, address: (number: number) => `?page=${number}` },
    resolution: await resolutionOf(req, transfer),
  });
}

/**
 * Redirects to the page of a transfer, whose URL has the transfer’s number. Other environments know only the transfer’s
 * ID.
 */
export async function showOf(req: Request, res: Response) {
  const transfer = await journal.byId(req.here.sql, String(req.params['transfer']));
  if (!transfer) throw new NotFound('There is no such transfer.');
  res.redirect(303, `/transfers/${transfer.number}`);
}

async function addressedTransfer(req: Request): Promise<journal.Transfer> {
  const number = numberOrNull(req.params['number']) ?? 0;
  const transfer = await journal.byNumber(req.here.sql, number);
  if (!transfer) throw new NotFound('There is no such transfer.');
  return transfer;
}

/** Whether the result of a row differs from the plan. The page lists such rows first. */
const isUnplanned = ({ outcome, action, remark }: journal.WrittenStep) =>
  Boolean(remark) || (outcome !== null && outcome !== journal.plannedOutcome[action]);

async function stepLines(here: App, transfer: journal.Transfer, steps: journal.WrittenStep[]) {
  const roots = steps.map((step) => {
    const row = step.after ?? step.before;
    return row ? rootOf(entityNamed(step.entity), row) : step;
  });
  const titles = await titlesOf(here, roots);
  return steps.map((step, index) => {
    const root = keyText(roots[index] ?? step);
    const owner = root === keyText(step) ? null : (titles.get(root) ?? null);
    return stepLine(transfer, step, owner);
  });
}

/** Returns the environment that a transfer writes to, if it is this environment or its destination. */
const destinationOf = ({ here }: Request, { destination }: journal.Transfer) =>
  destination === here.name ? here : here.destination;

async function resolutionOf(req: Request, transfer: journal.Transfer) {
  const there = destinationOf(req, transfer);
  if (transfer.state !== 'needs_attention' || !there) return null;
  const ask = () => manualResolution(req.here, there, transfer);
  const found =
    there === req.here
      ? { answer: await ask(), trouble: null }
      : await tryFarSide(there, req.here.log, ask);
  if (!found.answer) return { trouble: found.trouble };
  const shown = resolutionView(transfer, found.answer);
  const titles = await referencedTitles(
    req.here,
    shown.rows.flatMap(({ fields }) => fields),
  );
  return { ...shown, titles, trouble: null };
}

/** Carries out a person’s decision on how to continue a transfer that needs attention. */
export async function resolve(req: Request, res: Response) {
  const transfer = await addressedTransfer(req);
  const there = destinationOf(req, transfer);
  if (!there) throw new NotFound('Its destination cannot be reached from here.');
  const choice = req.form.text('choice');
  const { email: person } = accountOf(req);
  await resolveManually(req.here, there, transfer, { choice, person }).catch((error: unknown) => {
    throw unreachable(error, there);
  });
  flash(req, 'Decision saved. The transfer continues in a moment.');
  res.redirect(303, `/transfers/${transfer.number}`);
}
