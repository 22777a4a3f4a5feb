// Copies the content of one attachment from the older system or a dump (an account’s export) to the object storage,
// with retries.
import { createHash } from 'node:crypto';
import pRetry, { AbortError } from 'p-retry';
import { sql } from '../database/sql.ts';
import { Interrupted } from '../jobs/interrupted.ts';
import type { Stored } from '../storage/objects.ts';
import { AttachmentMissing } from './reader.ts';
import type { Run } from './run.ts';

/** The database row of an attachment whose content has not been fetched yet. */
export type WaitingAttachment = { position: string; id: string; url: string; type: string };

/**
 * Delays in milliseconds: between attempts, while a media host is down, and between two searches
 * for waiting attachments. Tests shorten them.
 */
export const attachmentDelays = { retry: 250, pause: 60_000, idle: 300 };

/** Thrown when all attempts to fetch an attachment have failed; a later attempt may succeed. */
export class FetchFailed extends Error {}

export type StoredAttachment = Stored & { object: string };

/** SQL assignments that mark an attachment as stored. */
export const asStored = ({ object, size, checksum }: StoredAttachment) =>
  sql`state = 'stored', object = ${object}, size = ${size}, sha256 = ${checksum}, reason = null`;

/**
 * Fetches the content of an attachment and stores it, with up to five attempts.
 * @throws AttachmentMissing when the attachment can never be read, FetchFailed when a later attempt
 * may succeed
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
        // If our own storage fails, the attachment is not at fault: pass the error on to the job
        // instead of marking the attachment as unreadable.
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

/**
 * Returns the key of an attachment in the object storage. Every attempt and every run of the migration uses the same
 * key, so they overwrite one object instead of adding others.
 */
const objectOf = (account: number, { position, id }: WaitingAttachment) =>
  `inbox/${account}/${createHash('sha256').update(`${position}#${id}`).digest('hex')}`;
