// Faults of a data file, which another attempt would meet again: what they are, and how they are recorded.
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

/** The fault of the file that an error is; null for other errors, which may pass. */
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

/** A fault of a file as its page says it: nobody here can save a fetched file in another way. */
export const forSource = ({ source }: Datafile, { reason, message }: FaultFacts): FaultFacts => ({
  reason,
  message:
    source !== null && reason === 'unreadable'
      ? `${message} Ask its publisher for the right file, then fetch it again.`
      : message,
});

/** Records that a data file failed, and so did the upload that brought it; if it is still the same job that has it. */
export const recordFault = (
  { sql: on }: App,
  file: Pick<Datafile, 'id' | 'job'>,
  { reason, message }: FaultFacts,
) =>
  transaction(on, async (connection) => {
    if (!(await registry.fail(connection, file, { reason, message }))) return;
    await uploads.fail(connection, file.id, message);
  });
