// Pages of transfers: the list, the result of each, and the resolution of one that needs attention.
import type { Request, Response } from 'express';
import { fieldEntries, keyText, labelOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Queryable } from '../database/sql.ts';
import { rulesOf } from '../environments/rules.ts';
import { NotFound } from '../problems.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import { manualResolution, resolveManually } from '../writing/manual-resolution.ts';
import * as jobs from '../jobs/jobs.ts';
import { jobKeyOf } from './job.ts';
import * as journal from '../writing/journal.ts';
import { formatValue } from '../web/format.ts';
import { readStates } from '../state/row-state.ts';
import { list } from './list.ts';
import { rootOf } from '../catalog/family.ts';
import { PAGE_SIZE, paginate } from '../web/paginate.ts';

export async function index(req: Request, res: Response) {
  const before = numberOrNull(req.query['before']);
  await page(req, res, 'transfers/list', {
    title: 'Transfers',
    crumbs: [{ text: 'Transfers' }],
    list: await list(req.here.sql, before),
  });
}

export async function show(req: Request, res: Response) {
  const number = numberOrNull(req.params['number']) ?? 0;
  const transfer = await journal.byNumber(req.here.sql, number);
  if (!transfer) throw new NotFound('There is no such transfer.');
  const steps = await journal.stepsOf(req.here.sql, transfer.id);
  const turned = paginate(
    steps.toSorted((one, other) => Number(isUnplanned(other)) - Number(isUnplanned(one))),
    numberOrNull(req.query['page']),
  );
  await page(req, res, 'transfers/transfer', {
    title: `Transfer ${transfer.number}: ${transfer.name}`,
    crumbs: [{ text: 'Transfers', href: '/transfers' }, { text: `Transfer ${transfer.number}` }],
    transfer,
    former: transfer.undoes && (await journal.byId(req.here.sql, transfer.undoes)),
    undoneBy: await journal.undoing(req.here.sql, transfer.id),
    from: rulesOf(transfer.origin),
    to: rulesOf(transfer.destination),
    there: req.here.settings.urls[transfer.destination] ?? null,
    steps: await withOwners(req.here.sql, turned.shown),
    turned,
    written: steps.filter((step) => step.action !== 'same').length,
    attention: await resolutionOf(req, transfer),
    isLive: journal.liveStates.includes(transfer.state),
    job: await jobs.active(req.here.sql, jobKeyOf(transfer.id)),
  });
}

/** Outcomes other than planned: listed first. */
const isUnplanned = ({ outcome, action }: journal.WrittenStep) =>
  outcome !== null && outcome !== journal.plannedOutcome[action];

/** Steps with their entity and the title of their root row. */
async function withOwners(on: Queryable, steps: journal.WrittenStep[]) {
  const roots = steps.map((step) => {
    const row = step.after ?? step.before;
    return row ? rootOf(entityNamed(step.entity), row) : step;
  });
  const states = await readStates(on, roots);
  return steps.map((step, index) => {
    const root = keyText(roots[index] ?? step);
    const owner = root === keyText(step) ? null : (states.get(root)?.title ?? null);
    return { ...step, entity: entityNamed(step.entity), owner };
  });
}

/** Current values of a transfer that needs attention; null for every other. */
async function resolutionOf({ here }: Request, transfer: journal.Transfer) {
  if (transfer.state !== 'needs_attention') return null;
  const there = transfer.destination === here.name ? here : here.destination;
  if (!there) return null;
  const found = await manualResolution(here, there, transfer);
  const theirs = found.rows.filter(({ isForeign }) => isForeign);
  // Rows that someone else wrote are what needs a decision.
  const shown = theirs.length > 0 ? theirs : found.rows;
  return {
    ...found,
    theirs: theirs.length,
    all: found.rows.length,
    rows: shown.slice(0, PAGE_SIZE).map(({ step, now, isForeign }) => {
      const entity = entityNamed(step.entity);
      const travelling = fieldEntries(entity).filter(([, field]) => !field.local);
      const fields = travelling.map(([name, field]) => ({
        label: labelOf(entity, name),
        before: formatValue(field, step.before?.[name]),
        after: formatValue(field, step.after?.[name]),
        now: formatValue(field, now?.[name]),
      }));
      const isMoved = ({ before, after, now: value }: (typeof fields)[number]) =>
        before !== after || before !== value;
      return { step, entity, isForeign, isThere: now !== null, fields: fields.filter(isMoved) };
    }),
  };
}

/** Records how a transfer that needs attention continues. */
export async function resolve(req: Request, res: Response) {
  const number = numberOrNull(req.params['number']) ?? 0;
  const transfer = await journal.byNumber(req.here.sql, number);
  if (!transfer) throw new NotFound('There is no such transfer.');
  const there = transfer.destination === req.here.name ? req.here : req.here.destination;
  if (!there) throw new NotFound('Its destination cannot be reached from here.');
  const choice = textIn(req.body, 'choice');
  await resolveManually(req.here, there, transfer, { choice, person: accountOf(req).email });
  flash(req, 'Decided. It goes on from here in a moment.');
  res.redirect(303, `/transfers/${number}`);
}
