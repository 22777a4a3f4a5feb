// Permanent faults of a data file, such as an unreadable format. A retry would fail again, so the fault is recorded on
// the file and the job is not retried.
import { transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { NotFound, Problem } from '../problems.ts';
import { Unreadable } from './reading/reading.ts';
import * as registry from './registry.ts';
import type { Datafile, DatafileReason } from './registry.ts';
import * as uploads from './uploads.ts';

type FaultFacts = { reason: DatafileReason; message: string };

export class Fault extends Problem {
  readonly reason: DatafileReason;

  constructor(reason: DatafileReason, message: string) {
    super(422, message);
    this.reason = reason;
  }
}

/**
 * Converts an error to a permanent fault of the data file. Returns null for other errors, such as a
 * lost connection, because a retry may succeed.
 */
export function faultOf(error: unknown): FaultFacts | null {
  if (error instanceof Fault) return error;
  if (error instanceof Unreadable) return { reason: 'unreadable', message: error.message };
  if (error instanceof NotFound) {
    return {
      reason: 'object-missing',
      message: 'The stored file is missing in object storage. Fetch or upload it again.',
    };
  }
  return null;
}

/**
 * Adapts the message of a fault for a file that was fetched from a data source. No user of Oneway can save that file in
 * another format, so the message says to ask the publisher of the file.
 */
export const forSource = ({ source }: Datafile, { reason, message }: FaultFacts): FaultFacts => ({
  reason,
  message:
    source !== null && reason === 'unreadable'
      ? `${message} Ask its publisher for the right file, then fetch it again.`
      : message,
});

/** Marks a data file and its upload as failed, unless another job has taken over the file. */
export const recordFault = (
  { sql: on }: App,
  file: Pick<Datafile, 'id' | 'job'>,
  { reason, message }: FaultFacts,
) =>
  transaction(on, async (connection) => {
    if (!(await registry.fail(connection, file, { reason, message }))) return;
    await uploads.fail(connection, file.id, message);
  });
