// The stage of a migration run that reads the messages before the recent ones, in pages of 1,000 messages. While one
// page is being written, the next pages are read and attachments are fetched.
import { beside } from './attachments.ts';
import { giveWay } from './giving-way.ts';
import type { Move } from './moves.ts';
import { readPage } from './narrowing.ts';
import type { FoundPage } from './page-rows.ts';
import { writePages } from './page-writer.ts';
import { advance, checkpoint, type Run } from './run.ts';

const PAGE = 1000;
/**
 * How many messages are read and stored at a time when a wave (a set of accounts) migrates the account in the
 * background. The number is small, because another account’s inbox, for which a person waits, is opened only after the
 * page that is being written is stored.
 */
const PAGE_OF_WAVE = 100;

export async function moveRest(at: Run) {
  await beside(at, () => readOn(at, null));
  await advance(at, { from: 'rest', reaches: null });
}

/**
 * Reads the messages after the migration’s current position page by page, and stores them. Stops at
 * the cursor `until`; null means to read all messages.
 */
export async function readOn(at: Run, until: string | null) {
  const move = await checkpoint(at);
  await writePages(at, pagesAfter(at, move, until), move);
}

async function* pagesAfter(at: Run, move: Move, until: string | null): AsyncGenerator<FoundPage> {
  const limit = move.wave_id === null ? PAGE : PAGE_OF_WAVE;
  let after = move.position;
  let isEnd = move.all_read === 1;
  while (!isEnd) {
    await giveWay(at);
    const found = await readPage(at.reader, { after, until, limit });
    after = found.next;
    isEnd = after === null;
    yield { ...found, isEnd };
  }
}
