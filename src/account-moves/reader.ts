// What a move reads from: the store of the older system, or a dump of one account.
import type { Readable } from 'node:stream';

/**
 * One record as it was read. `cursor`: where it stands in its source; reading can continue after it. `item`: what
 * stands there; a text where it is no JSON.
 */
export type RawRecord = { cursor: string; item: unknown };

/** Some records, and the cursor after which the next ones are read; `next` is null on the last page. */
export type ReadPage<T> = { items: T[]; next: string | null };

/** Newest first, after a cursor, down to `until` (not included). */
export type ReadRange = { after?: string | null; until?: string | null; limit: number };

/** `type`: the media type that the message says; empty when it says none. */
export type AttachmentAddress = { id: string; url: string; type: string };

export type Reader = {
  messages(range: ReadRange): Promise<ReadPage<RawRecord>>;
  /** The cursors of the records that `messages` would read, without their contents. */
  cursors(range: ReadRange): Promise<ReadPage<string>>;
  /** One record by its cursor; null when it is gone. */
  message(cursor: string): Promise<RawRecord | null>;
  /** Threads by id; the cursor of each is its id. Threads that do not exist are left out. */
  threads(ids: string[]): Promise<RawRecord[]>;
  /** The ids of all threads, some at a time. */
  threadIds(after: string | null): Promise<ReadPage<string>>;
  /**
   * The content of an attachment.
   * @throws AttachmentMissing when it cannot be read, now or ever; other errors may pass
   */
  attachment(of: AttachmentAddress, signal: AbortSignal): Promise<Readable>;
  close(): void;
};

/** Why an attachment cannot be read; another attempt would give the same. */
export type AttachmentFault = 'not-found' | 'too-large' | 'host-not-listed' | 'refused';

export class AttachmentMissing extends Error {
  readonly fault: AttachmentFault;

  constructor(fault: AttachmentFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** The error when a source cannot be read now: it is silent, throttled, refuses us, or answers garbage. */
export class SourceFailed extends Error {
  /** A short code: `throttled`, `timeout`, `error`, `cut`, `unreadable`, or one of those of the whole source. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The failures that concern the whole source: each record of it would fail in the same way. */
export const ofWholeSource = ['denied', 'refused', 'no-table', 'unreachable', 'no-dump', 'damaged'];
