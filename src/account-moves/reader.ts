// The interface through which a migration reads an account, from the older system’s store or from a dump (an export).
import type { Readable } from 'node:stream';

/**
 * One record as it was read. `cursor`: the record’s position in the older system’s store or the dump, after which
 * reading can continue. `item`: the record’s content; a string if it is not JSON.
 */
export type RawRecord = { cursor: string; item: unknown };

/**
 * A page of records. `next`: the cursor after which the next page begins; null on the last page.
 */
export type ReadPage<T> = { items: T[]; next: string | null };

/**
 * Which records to read, newest first: those after the cursor `after`, and before the cursor
 * `until` is reached.
 */
export type ReadRange = { after?: string | null; until?: string | null; limit: number };

/**
 * Where to find an attachment. `type`: the media type that the message gives; empty if it gives
 * none.
 */
export type AttachmentAddress = { id: string; url: string; type: string };

export type Reader = {
  messages(range: ReadRange): Promise<ReadPage<RawRecord>>;
  /** The cursors of the records that `messages` would read, without their contents. */
  cursors(range: ReadRange): Promise<ReadPage<string>>;
  /** Reads one message by its cursor; null if the message is gone. */
  message(cursor: string): Promise<RawRecord | null>;
  /** Reads threads by id, and leaves out threads that do not exist. A thread’s cursor is its id. */
  threads(ids: string[]): Promise<RawRecord[]>;
  /** Reads the ids of all threads, page by page. */
  threadIds(after: string | null): Promise<ReadPage<string>>;
  /**
   * Opens the content of an attachment.
   * @throws AttachmentMissing when the attachment can never be read; after any other error, a later
   * attempt may succeed
   */
  attachment(of: AttachmentAddress, signal: AbortSignal): Promise<Readable>;
  close(): void;
};

/** Why an attachment can never be read: another attempt would fail in the same way. */
export type AttachmentFault = 'not-found' | 'too-large' | 'host-not-listed' | 'refused';

export class AttachmentMissing extends Error {
  readonly fault: AttachmentFault;

  constructor(fault: AttachmentFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/**
 * Thrown when the older system or the dump cannot be read now: it does not answer, throttles us, refuses us, or sends
 * an invalid answer.
 */
export class SourceFailed extends Error {
  /**
   * A short code: `throttled`, `timeout`, `error`, `cut`, `unreadable`, `older-system`, or one of
   * `ofWholeSource`.
   */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Codes of failures that affect the older system’s store or the dump as a whole: every record would fail in the same
 * way.
 */
export const ofWholeSource = ['denied', 'refused', 'no-table', 'unreachable', 'no-dump', 'damaged'];
