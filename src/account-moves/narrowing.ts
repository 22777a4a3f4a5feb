// When reading a page of messages or threads fails, reads its records one by one, so that only records that cannot be
// read are lost.
import pRetry from 'p-retry';
import { patience } from './patience.ts';
import {
  ofWholeSource,
  SourceFailed,
  type RawRecord,
  type Reader,
  type ReadRange,
} from './reader.ts';

/** A record that could not be read; `cause` is a short code by which failures are grouped. */
type LostRecord = { cursor: string; reason: string; cause: string };

type Found = { items: RawRecord[]; lost: LostRecord[] };

/**
 * Reads a page of messages. `lost`: the messages that could not be read.
 * @throws SourceFailed when ten messages in a row fail, or when the older system’s store or the dump cannot be read at
 * all
 */
export async function readPage(
  reader: Reader,
  range: ReadRange,
): Promise<Found & { next: string | null }> {
  try {
    return { ...(await reader.messages(range)), lost: [] };
  } catch (error) {
    if (!isOfSomeRecord(error)) throw error;
    const { items, next } = await reader.cursors(range);
    return { ...(await oneByOne(items, (cursor) => reader.message(cursor))), next };
  }
}

/**
 * Reads threads by id, and leaves out threads that do not exist. `lost`: the threads that could not be read.
 * @throws SourceFailed when ten threads in a row fail, or when the older system’s store or the dump cannot be read at
 * all
 */
export async function readThreads(reader: Reader, ids: string[]): Promise<Found> {
  try {
    return { items: await reader.threads(ids), lost: [] };
  } catch (error) {
    if (!isOfSomeRecord(error)) throw error;
    return oneByOne(ids, async (id) => (await reader.threads([id]))[0] ?? null);
  }
}

/**
 * Whether a single record may have caused an error. An error of the whole store or dump must not turn its records into
 * dead letters.
 */
const isOfSomeRecord = (error: unknown): error is SourceFailed =>
  error instanceof SourceFailed && !ofWholeSource.includes(error.code);

async function oneByOne(
  cursors: string[],
  read: (cursor: string) => Promise<RawRecord | null>,
): Promise<Found> {
  const found: Found = { items: [], lost: [] };
  let inARow = 0;
  for (const cursor of cursors) {
    try {
      const record = await withRetries(() => read(cursor));
      if (record) found.items.push(record);
      inARow = 0;
    } catch (error) {
      if (!isOfSomeRecord(error)) throw error;
      inARow += 1;
      if (inARow === patience.recordsInARow) throw sourceFailed(error);
      found.lost.push({ cursor, reason: error.message, cause: error.code });
    }
  }
  return found;
}

const withRetries = <T>(read: () => Promise<T>): Promise<T> =>
  pRetry(read, {
    retries: patience.recordAttempts - 1,
    minTimeout: patience.recordDelay,
    factor: 2,
    randomize: true,
    shouldRetry: ({ error }) => isOfSomeRecord(error),
  });

const sourceFailed = (error: SourceFailed) =>
  new SourceFailed(
    error.code,
    `${patience.recordsInARow} records in a row cannot be read. ${error.message}`,
    { cause: error },
  );
