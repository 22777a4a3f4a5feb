// A transfer that cannot go on by itself: what stands there beside what was planned, and what a person may
// decide. A value that neither image explains was written by someone else and is never overwritten.
import { isSameRow } from '../catalog/content.ts';
import { keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { first, sql } from '../database/sql.ts';
import type { Stop } from '../environments/place.ts';
import { read } from '../environments/row-store.ts';
import { Invalid } from '../problems.ts';
import * as journal from './journal.ts';
import { isExplained } from './work.ts';

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
  { id }: journal.Transfer,
): Promise<Attention> {
  const steps = (await journal.stepsOf(here.sql, id)).filter(({ action }) => action !== 'same');
  const now = await read(there, steps);
  const arrival = await first(there.sql, sql`select 1 from arrival where transfer = ${id} limit 1`);
  const hasArrived = arrival !== undefined;
  const rows = steps.map((step) => {
    const row = now.get(keyText(step)) ?? null;
    return { step, now: row, isTheirs: !isExplained(step, row) };
  });
  const isDone = ({ step, now: row }: Stuck) =>
    isSameRow(entityNamed(step.entity), row, step.after);
  return {
    rows: hasArrived ? rows.filter((one) => !isDone(one)) : rows,
    hasArrived,
    choices: ['try-again', hasArrived ? 'leave-theirs' : 'put-back'],
  };
}

/** @throws Invalid when that cannot be chosen now, Conflict when someone else was faster */
export async function decide(
  here: Stop,
  there: Stop,
  transfer: journal.Transfer,
  { choice, person }: { choice: string; person: string },
) {
  const { choices, hasArrived } = await attention(here, there, transfer);
  const decision = choices.find((one) => one === choice);
  if (!decision) throw new Invalid({ choice: 'Choose one of the ways that the page offers.' });
  const onwards = hasArrived ? 'committed' : 'applying';
  const state = decision === 'put-back' ? 'putting_back' : onwards;
  await journal.decide(here, transfer, { decision, state, person });
}
