import * as audit from '../audit/audit.ts';
import { transaction } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict } from '../problems.ts';
import { cancelChildren, lock, markCancelled, wake } from './children.ts';
import type { Job } from './jobs.ts';
import { cancellableKinds, type Tasks } from './task.ts';

/**
 * Cancels a job and its child jobs; returns false if the job had ended or was cancelled before. A waiting job ends at
 * once, a running job when its code next reports progress, a parent job when its last child job has stopped.
 * @throws Conflict for a kind of job that cannot be cancelled
 */
export function cancel(
  here: Environment,
  tasks: Tasks,
  job: Job,
  person: string,
): Promise<boolean> {
  const kinds = cancellableKinds(tasks);
  if (!kinds.includes(job.kind)) {
    throw new Conflict('A job of this kind cannot be cancelled: undo it when it has ended.');
  }
  return transaction(here.sql, async (on) => {
    if (job.parent) await lock(on, job.parent);
    await lock(on, job.id);
    const found = await markCancelled(on, [job.id], person);
    if (found === 0) return false;
    await cancelChildren(on, job.id, { person, kinds });
    if (job.parent) await wake(on, job.parent);
    await audit.write(on, { person, action: 'cancelled a job', subject: job.name });
    return true;
  });
}
