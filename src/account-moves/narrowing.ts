// Reads around records that cannot be read: when a page fails, its records are read one by one.
import type { RawRecord, Reader, ReadRange } from './reader.ts';

/** A record that could not be read; `cause` is a short code by which failures are grouped. */
export type LostRecord = { cursor: string; reason: string; cause: string };

/** A page of messages, and those that could not be read.
 * @throws SourceFailed when ten records in a row fail, or the whole source does
 */
export async function readPage(
  _reader: Reader,
  _range: ReadRange,
): Promise<{ items: RawRecord[]; next: string | null; lost: LostRecord[] }> {
  throw new Error('to do');
}

/**
 * Threads by id, and those that could not be read; threads that do not exist are left out.
 * @throws SourceFailed when ten threads in a row fail, or the whole source does
 */
export async function readThreads(
  _reader: Reader,
  _ids: string[],
): Promise<{ items: RawRecord[]; lost: LostRecord[] }> {
  throw new Error('to do');
}
