// A transfer that a worker is running: what it writes, where, and the errors that stop it.
import { isSameRow } from '../catalog/content.ts';
import type { Row, RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { first, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import type * as journal from './journal.ts';
import type { Turn } from './turns.ts';

export type Work = {
  here: Environment;
  there: Environment;
  transfer: journal.Transfer;
  /**
   * The steps of the transfer that write a row. Rows that only have to stay unchanged meanwhile are
   * in `reliedOn`.
   */
  steps: journal.WrittenStep[];
  reliedOn: RowKey[];
  /** Called with the number of steps that are written so far. */
  onProgress: OnProgress;
  /** Lets several transfers of one caller take turns at the destination. */
  turn?: Turn;
};

export type OnProgress = (done: number, doing: string) => void;

/**
 * Thrown when it is unknown whether a write succeeded. Nothing is lost: recovery completes the
 * write when the server answers again.
 */
export class OutcomePending extends Error {}

/**
 * Thrown when the destination has changed since the plan was made. The write was refused, and the
 * changes at the destination were not overwritten.
 */
export class ChangedMeanwhile extends Error {
  readonly problem: journal.TransferProblem;

  constructor(problem: journal.TransferProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

export const changedThere = ({ entity, id, title }: journal.Step) =>
  new ChangedMeanwhile({
    reason: 'changed-there',
    row: { entity, id },
    message: `${title} was changed there meanwhile.`,
  });

export const parentGone = (key: RowKey) =>
  new ChangedMeanwhile({
    reason: 'parent-missing',
    row: key,
    message: `${entityNamed(key.entity).label.one} ${key.id}, which is needed, was removed there meanwhile.`,
  });

/**
 * Whether a stored row is as it was before the step, or as the step writes it. Otherwise someone
 * else has changed the row.
 */
export function isExplained(step: journal.Step, now: Row | null): boolean {
  const entity = entityNamed(step.entity);
  return isSameRow(entity, now, step.before) || isSameRow(entity, now, step.after);
}

/**
 * Checks that a stored row is as it was when the transfer was planned. If an earlier attempt of this transfer
 * `mayHaveWritten` it, it may also be as the transfer writes it.
 * @throws ChangedMeanwhile when someone else has changed the row
 */
export function refuseIfChanged(
  step: journal.Step,
  now: Row | null,
  { mayHaveWritten }: { mayHaveWritten: boolean },
) {
  const isExpected = mayHaveWritten
    ? isExplained(step, now)
    : isSameRow(entityNamed(step.entity), now, step.before);
  if (!isExpected) throw changedThere(step);
}

export const hasArrived = async (there: Queryable, transfer: journal.Transfer) =>
  (await first(there, sql`select 1 from arrival where transfer = ${transfer.id} limit 1`)) !==
  undefined;
