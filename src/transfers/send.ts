// Sends the transfer that a sheet shows.
import type { PoolConnection } from 'mysql2/promise';
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
import { needsApproval } from '../sheet/approval.ts';
import { checkApproval, takeApproval, type GivenApproval } from './approvals.ts';
import {
  approvalMissing,
  keyReused,
  nothingToDo,
  outdated,
  reasonMissing,
} from './click-problems.ts';
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
  /** The approval of a second person, where one is required. */
  approval?: GivenApproval;
  /** Hands a large transfer over to a job; without it the caller waits for every transfer. */
  handOver?: (transfer: journal.Transfer) => Promise<void>;
  /** Is called in the commit that records the transfer; an error that it throws prevents the transfer. */
  confirm?: (connection: PoolConnection) => Promise<void>;
  /** A transfer with more rows than this is handed over to a job. */
  largeFrom?: number;
};

/** A transfer with more rows than this runs as a job, unless the caller sets `largeFrom`. */
const LARGE = 1000;

/**
 * Sends the plan that a sheet showed. Both clicks of a double click return the same transfer.
 * @throws SheetProblems when rows have changed here or at the destination, or a problem remains
 */
export async function send(route: Route, selection: Selection, click: Click) {
  const findTwin = () => journal.byKey(journalOf(route).sql, click.person, click.idempotencyKey);
  try {
    return await sendFirst(route, selection, click);
  } catch (error) {
    // The second click of a double click usually fails, because the first one has claimed or already written the rows.
    // Then the transfer of the first click is returned.
    const first = error instanceof Problem ? await findTwin() : undefined;
    if (first) return sameRequest(first, click);
    throw error;
  }
}

/**
 * Checks the approval of a second person, where the environment requires one. Every way to send a transfer calls this
 * function.
 * @throws SheetProblems when approval is required but missing
 */
async function requireApproval(route: Route, selection: Selection, click: Click) {
  if (click.approval) {
    await checkApproval(journalOf(route).sql, click.approval, {
      ...click,
      selection: selection.id,
    });
  } else if (await needsApproval(route, selection)) {
    throw new SheetProblems([approvalMissing(route, selection)], 403);
  }
}

/**
 * Plans a selection again, and checks that the plan is still the one that the person saw and that it can be sent.
 * @throws SheetProblems when the plan is another one, has a problem, or changes no row
 */
export async function confirmedPlan(route: Route, selection: Selection, planHash: string) {
  const { plan } = await prepareSheet(route, selection);
  if (plan.hash !== planHash) {
    throw new SheetProblems([await outdated(journalOf(route), selection)], 409);
  }
  if (plan.problems.length > 0) throw new SheetProblems(plan.problems);
  if (plan.steps.every((step) => step.action === 'same')) {
    throw new SheetProblems([nothingToDo(route, selection)]);
  }
  return plan;
}

async function sendFirst(route: Route, selection: Selection, click: Click) {
  await requireApproval(route, selection, click);
  if (asksReason(route, click) && !isVisible(click.reason ?? '')) {
    throw new SheetProblems([reasonMissing(route)]);
  }
  const at = journalOf(route);
  try {
    const draft = await draftOf(route, selection, click);
    const { transfer, isNew } = await journal.open(
      at,
      route.to,
      route.lease,
      draft,
      async (connection, opened) => {
        await click.confirm?.(connection);
        await takeApproval(click.approval, { ...click, selection: selection.id })(
          connection,
          opened,
        );
      },
    );
    if (!isNew) return sameRequest(transfer, click);
    const written = draft.steps.filter(({ action }) => action !== 'same').length;
    if (click.handOver && written > (click.largeFrom ?? LARGE)) {
      // If the handover fails, recovery resumes the transfer when its lease expires.
      await click.handOver(transfer).catch(() => {});
      return transfer;
    }
    const held = { steps: journal.recordedSteps(draft.steps) };
    return await runTransfer(at, route.to, transfer, route.lease, held);
  } catch (error) {
    return openedTransfer(route, click, error);
  }
}

/**
 * Plans the transfer once more, as confirmedPlan() does, and returns what the journal records of it. The rest of the
 * plan, such as the states of its rows, is not kept in memory while the transfer runs.
 */
async function draftOf(route: Route, selection: Selection, click: Click): Promise<journal.Draft> {
  const plan = await confirmedPlan(route, selection, click.planHash);
  await copyImages(route, plan.steps);
  return {
    kind: selection.kind,
    name: click.name || nameOf(plan.steps),
    reason: click.reason,
    person: click.person,
    approvedBy: click.approval?.by ?? null,
    role: click.role ?? 'product_manager',
    idempotencyKey: click.idempotencyKey,
    planHash: click.planHash,
    chain: selection.chain,
    undoes: selection.undoes,
    selection: selection.id,
    reliedOn: plan.reliedOn,
    steps: await withIds(route.to, plan.steps),
  };
}

function sameRequest(twin: journal.Transfer, click: Click): journal.Transfer {
  if (twin.plan_hash === click.planHash) return twin;
  throw new SheetProblems([keyReused]);
}

/**
 * Handles an error of a click on the transfer button. If the transfer is already recorded and its outcome is unknown,
 * returns the transfer, because the page of the transfer shows its progress. Otherwise throws the error.
 */
async function openedTransfer(
  route: Route,
  click: Click,
  error: unknown,
): Promise<journal.Transfer> {
  const written = isOutcomeUnknown(error)
    ? await journal.byKey(journalOf(route).sql, click.person, click.idempotencyKey)
    : undefined;
  if (written?.plan_hash === click.planHash) return written;
  throw unreachable(error, farSideOf(route));
}

/**
 * Copies the images that the rows refer to, before the rows are written. If the rows are then not written, the copied
 * images do no harm, because images are named by their content.
 */
async function copyImages({ from: here, to: there }: Route, steps: PlannedStep[]) {
  for (const step of steps.filter(({ action }) => action !== 'same')) {
    for (const { name } of imagesOf(step)) {
      if (!(await copyImage(here.storage, there.storage, name))) {
        throw new NotFound(`The image “${name}” is not in the storage of ${here.rules.inText}.`);
      }
    }
  }
}

/**
 * Replaces the negative placeholder ids of the cities and partners that a transfer creates with new ids of the
 * destination.
 */
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

/** Returns the default name of a transfer: the title of its first row, and how many more rows it has. */
export function nameOf(steps: PlannedStep[]): string {
  const written = steps.filter((step) => step.action !== 'same');
  const picked = written.filter((step) => step.because === null);
  return nameOfRows(picked.length > 0 ? picked : written).slice(0, 120);
}
