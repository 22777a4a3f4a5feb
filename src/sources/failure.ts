// Why a file or an index could not be fetched.

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

/** The error when a source does not give what was asked for; its message is a sentence with a remedy. */
export class FetchFailure extends Error {
  readonly reason: FailureReason;
  /** Whether the next attempt may succeed. */
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
