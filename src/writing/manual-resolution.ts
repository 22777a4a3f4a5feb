// A transfer that cannot go on by itself: what stands there beside what was planned, and what a person may
// decide. A value that neither image explains was written by someone else and is never overwritten.
import { isSameRow } from '../catalog/content.ts';
import { keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Stop } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { Invalid } from '../problems.ts';
import * as journal from './journal.ts';
import { hasArrived, isExplained } from './work.ts';

export type Stuck = {
  step: journal.WrittenStep;
  now: Row | null;
  /** Neither what was there before nor what was to be written: someone else's. */
  isTheirs: boolean;
};

export type Attention = { rows: Stuck[]; hasArrived: boolean; choices: journal.Decision[] };

/** Before the pivot everything can be put back; after it, only what remains can be left. */
export async function attention(
  here: Stop,
  there: Stop,
  transfer: journal.Transfer,
): Promise<Attention> {
  const steps = (await journal.stepsOf(here.sql, transfer.id)).filter(
    ({ action }) => action !== 'same',
  );
  const now = await read(there, steps);
  const isOverPivot = await hasArrived(there.sql, transfer);
  const rows = steps.map((step) => {
    const row = now.get(keyText(step)) ?? null;
    return { step, now: row, isTheirs: !isExplained(step, row) };
  });
  const isDone = ({ step, now: row }: Stuck) =>
    isSameRow(entityNamed(step.entity), row, step.after);
  return {
    rows: isOverPivot ? rows.filter((one) => !isDone(one)) : rows,
    hasArrived: isOverPivot,
    choices: ['try-again', isOverPivot ? 'leave-theirs' : 'put-back'],
  };
}

/** @throws Invalid when that cannot be chosen now, Conflict when someone else was faster */
export async function decide(
  here: Stop,
  there: Stop,
  transfer: journal.Transfer,
  { choice, person }: { choice: string; person: string },
) {
  const { choices, hasArrived: isOverPivot } = await attention(here, there, transfer);
  const decision = choices.find((one) => one === choice);
  if (!decision) throw new Invalid({ choice: 'Choose one of the ways that the page offers.' });
  const onwards = isOverPivot ? 'committed' : 'applying';
  const state = decision === 'put-back' ? 'putting_back' : onwards;
  await journal.decide(here, transfer, { decision, state, person });
}
