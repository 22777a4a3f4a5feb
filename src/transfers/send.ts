// Sends the transfer that a sheet shows.
import type { Row } from '../catalog/entity.ts';
import { drawIds } from '../environments/ids.ts';
import type { Environment } from '../environments/environment.ts';
import * as journal from '../writing/journal.ts';
import { runTransfer, isOutcomeUnknown } from '../writing/run-transfer.ts';
import { NotFound, Problem } from '../problems.ts';
import { copyImage } from '../storage/images.ts';
import type { Selection } from '../sheet/selections.ts';
import { prepareSheet } from '../sheet/sheet.ts';
import { unreachable } from '../environments/unreachable.ts';
import type { PlannedStep } from '../sheet/planned-step.ts';
import { imagesOf } from '../sheet/images.ts';
import { SheetProblems } from '../sheet/problem.ts';
import { keyReused, nothingToDo, outdated, reasonMissing } from './click-problems.ts';
import { type Route, asksReason, farSideOf, journalOf } from '../sheet/route.ts';
import { isVisible } from '../typed-text.ts';
import { nameOfRows } from '../web/format.ts';

export type Click = {
  planHash: string;
  idempotencyKey: string;
  name: string;
  reason: string | null;
  person: string;
  role?: 'product_manager' | 'on_call';
  /** Hands a large transfer over to a job; without this function the caller waits for transfers of every size. */
  handOver?: (transfer: journal.Transfer) => Promise<void>;
  /** From how many rows on a transfer is handed over to a job. */
  largeFrom?: number;
};

/** From this many rows on, a transfer runs as a job. */
const LARGE = 1000;

/**
 * Sends the plan that a sheet showed. A double click returns the same transfer twice.
 * @throws SheetProblems when either side has changed or a problem remains
 */
export async function send(route: Route, selection: Selection, click: Click) {
  const findTwin = () => journal.byKey(journalOf(route).sql, click.person, click.idempotencyKey);
  const twin = await findTwin();
  if (twin) return sameRequest(twin, click);
  try {
    return await sendFirst(route, selection, click);
  } catch (error) {
    // The second click of a double click may find the rows claimed by the first click’s transfer.
    const first = error instanceof Problem ? await findTwin() : undefined;
    if (first) return sameRequest(first, click);
    throw error;
  }
}

async function sendFirst(route: Route, selection: Selection, click: Click) {
  if (asksReason(route, click) && !isVisible(click.reason ?? '')) {
    throw new SheetProblems([reasonMissing(route)]);
  }
  const { plan } = await prepareSheet(route, selection);
  if (plan.hash !== click.planHash) {
    throw new SheetProblems([await outdated(journalOf(route), selection)], 409);
  }
  if (plan.problems.length > 0) throw new SheetProblems(plan.problems);
  if (plan.steps.every((step) => step.action === 'same')) {
    throw new SheetProblems([nothingToDo(route, selection)]);
  }
  const at = journalOf(route);
  try {
    await copyImages(route, plan.steps);
    const { transfer, isNew } = await journal.open(at, route.to, route.lease, {
      kind: selection.kind,
      name: click.name || nameOf(plan.steps),
      reason: click.reason,
      person: click.person,
      role: click.role ?? 'product_manager',
      idempotencyKey: click.idempotencyKey,
      planHash: click.planHash,
      chain: selection.chain,
      undoes: selection.undoes,
      selection: selection.id,
      reliedOn: plan.reliedOn,
      steps: await withIds(route.to, plan.steps),
    });
    if (!isNew) return sameRequest(transfer, click);
    const written = plan.steps.filter(({ action }) => action !== 'same').length;
    if (click.handOver && written > (click.largeFrom ?? LARGE)) {
      // If the handover fails, recovery resumes the transfer when its lease expires.
      await click.handOver(transfer).catch(() => {});
      return transfer;
    }
    return await runTransfer(at, route.to, transfer, route.lease);
  } catch (error) {
    return openedTransfer(route, click, error);
  }
}

function sameRequest(twin: journal.Transfer, click: Click): journal.Transfer {
  if (twin.plan_hash === click.planHash) return twin;
  throw new SheetProblems([keyReused]);
}

/** Opens the transfer in the journal. From then on its page shows its state; until then nothing was written. */
async function openedTransfer(
  route: Route,
  click: Click,
  error: unknown,
): Promise<journal.Transfer> {
  const written = await journal.byKey(journalOf(route).sql, click.person, click.idempotencyKey);
  if (written?.plan_hash === click.planHash && isOutcomeUnknown(error)) return written;
  throw unreachable(error, farSideOf(route));
}

/**
 * Copies the images that the rows refer to, before the rows are written. They are named by their content, so an image
 * without its row does no harm.
 */
async function copyImages({ from: here, to: there }: Route, steps: PlannedStep[]) {
  for (const step of steps.filter(({ action }) => action !== 'same')) {
    for (const { name } of imagesOf(step)) {
      if (!(await copyImage(here.storage, there.storage, name))) {
        throw new NotFound(`There is no image named "${name}" in this environment's storage.`);
      }
    }
  }
}

/** Gives ids of the destination to linked rows that will be created there. */
async function withIds(there: Environment, steps: PlannedStep[]): Promise<journal.Step[]> {
  const drawn: journal.Step[] = [];
  for (const { pair: _sight, root: _root, ...step } of steps) {
    if (step.id > 0) drawn.push(step);
    else {
      const id = await drawIds(there, step.entity);
      drawn.push({ ...step, id, after: { ...(step.after as Row), id } });
    }
  }
  return drawn;
}

/** The name of a transfer that its sender did not name: its first row, and how many more. */
function nameOf(steps: PlannedStep[]): string {
  const written = steps.filter((step) => step.action !== 'same');
  const picked = written.filter((step) => step.because === null);
  return nameOfRows(picked.length > 0 ? picked : written).slice(0, 120);
}
