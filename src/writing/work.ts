// A transfer in the hands of a worker, and what can come in its way.
import { isSameRow } from '../catalog/content.ts';
import type { Row, RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { first, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import type * as journal from './journal.ts';

export type Work = {
  here: Environment;
  there: Environment;
  transfer: journal.Transfer;
  /** Steps that write something. */
  steps: journal.WrittenStep[];
  reliedOn: RowKey[];
  /** Told how far it is: of so many steps, so many are written. */
  onProgress: OnProgress;
};

export type OnProgress = (done: number, doing: string) => void;

/** Nothing is lost and nothing is certain yet: recovery goes on as soon as the neighbour answers. */
export class OutcomePending extends Error {}

/** The destination is not as planned; nothing of it was written over. */
export class ChangedMeanwhile extends Error {}

/** What stands there is what the plan found or what it writes. */
export function isExplained(step: journal.Step, now: Row | null): boolean {
  const entity = entityNamed(step.entity);
  return isSameRow(entity, now, step.before) || isSameRow(entity, now, step.after);
}

export const hasArrived = async (there: Queryable, transfer: journal.Transfer) =>
  (await first(there, sql`select 1 from arrival where transfer = ${transfer.id} limit 1`)) !==
  undefined;
