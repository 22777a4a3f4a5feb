// The data of the page where a person decides how to continue a transfer that needs attention: current values, planned
// values, and the possible decisions. If a current value is neither the value before the transfer nor the planned one,
// someone else wrote it, and it is never overwritten.
import { isSameRow } from '../catalog/content.ts';
import { keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { Invalid } from '../problems.ts';
import * as journal from './journal.ts';
import { hasArrived, isExplained } from './work.ts';

export type StuckRow = {
  step: journal.WrittenStep;
  now: Row | null;
  /**
   * Whether someone else wrote the current value: it is neither the value before the transfer nor the planned one.
   */
  isForeign: boolean;
};

export type ManualResolution = {
  rows: StuckRow[];
  hasArrived: boolean;
  choices: journal.Decision[];
};

/**
 * Returns the rows of a transfer that needs attention, and the decisions that a person can choose
 * from. Before the COMMIT the transfer can be tried again or rolled back; after the COMMIT its
 * remaining steps can be tried again or skipped.
 */
export async function manualResolution(
  here: Environment,
  there: Environment,
  transfer: journal.Transfer,
): Promise<ManualResolution> {
  const steps = (await journal.stepsOf(here.sql, transfer.id)).filter(
    ({ action }) => action !== 'same',
  );
  const now = await read(there, steps);
  const isOverPivot = await hasArrived(there.sql, transfer);
  const rows = steps.map((step) => {
    const row = now.get(keyText(step)) ?? null;
    return { step, now: row, isForeign: !isExplained(step, row) };
  });
  const isDone = ({ step, now: row }: StuckRow) =>
    isSameRow(entityNamed(step.entity), row, step.after);
  return {
    rows: isOverPivot ? rows.filter((one) => !isDone(one)) : rows,
    hasArrived: isOverPivot,
    choices: ['try-again', isOverPivot ? 'keep-theirs' : 'roll-back'],
  };
}

/**
 * Records how a person has decided to continue a transfer that needs attention.
 * @throws Invalid when that decision is not possible now, Conflict when someone else has decided
 */
export async function resolveManually(
  here: Environment,
  there: Environment,
  transfer: journal.Transfer,
  { choice, person }: { choice: string; person: string },
) {
  const { choices, hasArrived: isOverPivot } = await manualResolution(here, there, transfer);
  const decision = choices.find((one) => one === choice);
  if (!decision) throw new Invalid({ choice: 'Choose one of the options on the page.' });
  const onwards = isOverPivot ? 'committed' : 'applying';
  const state = decision === 'roll-back' ? 'rolling_back' : onwards;
  await journal.resolveTransfer(here, transfer, { decision, state, person });
}
