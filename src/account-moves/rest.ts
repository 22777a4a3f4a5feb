// The stage that reads the older messages, in pages of 1,000. While a page is written, the next pages are read, and
// attachments are fetched in parallel.
import { beside } from './attachments.ts';
import { giveWay } from './giving-way.ts';
import type { Move } from './moves.ts';
import { readPage } from './narrowing.ts';
import type { FoundPage } from './page-rows.ts';
import { writePages } from './page-writer.ts';
import { advance, checkpoint, type Run } from './run.ts';

const PAGE = 1000;
/**
 * How many records a page has in a wave: few, because a person who opens an inbox waits for the
 * pages that are being written.
 */
const PAGE_OF_WAVE = 100;

export async function moveRest(at: Run) {
  await beside(at, () => readOn(at, null));
  await advance(at, { from: 'rest', reaches: null });
}

/**
 * Reads and writes all pages after the migration’s current position, down to the cursor `until`;
 * null means to the end.
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
