// Fetches the content of one attachment into the object storage, with some attempts.
import { createHash } from 'node:crypto';
import pRetry, { AbortError } from 'p-retry';
import { sql } from '../database/sql.ts';
import { Interrupted } from '../jobs/interrupted.ts';
import type { Stored } from '../storage/objects.ts';
import { AttachmentMissing } from './reader.ts';
import type { Run } from './run.ts';

/** A line of an attachment that is to be fetched. */
export type WaitingAttachment = { position: string; id: string; url: string; type: string };

/** Delays in milliseconds; tests shorten them. */
export const attachmentDelays = { retry: 250, pause: 60_000, idle: 300 };

/** The error when an attachment cannot be fetched now, after all attempts. */
export class FetchFailed extends Error {}

export type StoredAttachment = Stored & { object: string };

/** The columns of an attachment that is stored. */
export const asStored = ({ object, size, checksum }: StoredAttachment) =>
  sql`state = 'stored', object = ${object}, size = ${size}, sha256 = ${checksum}, reason = null`;

/**
 * Fetches an attachment and stores its content, with some attempts.
 * @throws AttachmentMissing when it can never be read, FetchFailed when it cannot be read now
 */
export async function fetchAndStore(
  at: Pick<Run, 'here' | 'reader' | 'account'>,
  line: WaitingAttachment,
  end: AbortSignal,
): Promise<StoredAttachment> {
  const object = objectOf(at.account, line);
  const stored = await pRetry(
    async () => {
      const content = await at.reader.attachment(line, end).catch((error: unknown) => {
        const isFinal = error instanceof AttachmentMissing || error instanceof Interrupted;
        throw isFinal ? new AbortError(error) : failed(error);
      });
      const faults: { read: Error | null } = { read: null };
      content.once('error', (error) => {
        faults.read = error;
      });
      try {
        return await at.here.storage.put(object, content, { signal: end });
      } catch (error) {
        const { read } = faults;
        if (read instanceof AttachmentMissing || read instanceof Interrupted) {
          throw new AbortError(read);
        }
        // A fault of our own storage is no fault of the attachment: the job is tried again.
        throw read ? failed(read) : new AbortError(error as Error);
      }
    },
    {
      retries: 4,
      minTimeout: attachmentDelays.retry,
      factor: 2,
      randomize: true,
      signal: end,
    },
  );
  return { object, ...stored };
}

const failed = (error: unknown) =>
  new FetchFailed(error instanceof Error ? error.message : String(error), { cause: error });

/** The key of an attachment in the object storage: the same at each attempt and in each run. */
const objectOf = (account: number, { position, id }: WaitingAttachment) =>
  `inbox/${account}/${createHash('sha256').update(`${position}#${id}`).digest('hex')}`;
