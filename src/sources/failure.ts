// Defines the error for a data file, or for an index (list of files), that could not be fetched from a data source.

export type FailureReason =
  | 'unreachable'
  | 'status'
  | 'cut'
  | 'silent'
  | 'slow'
  | 'too-large'
  | 'redirect'
  | 'host'
  | 'address'
  | 'encoding'
  | 'index'
  | 'name'
  | 'credential';

/**
 * Thrown when a file or an index could not be fetched from a data source. The message is a sentence for users that says
 * what to do.
 */
export class FetchFailure extends Error {
  readonly reason: FailureReason;
  /** Whether the cause may pass by itself, so that another attempt may succeed. */
  readonly isPassing: boolean;

  constructor(
    reason: FailureReason,
    message: string,
    { isPassing = false, cause }: { isPassing?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.reason = reason;
    this.isPassing = isPassing;
  }
}
