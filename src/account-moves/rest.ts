// The stage of the older messages: pages of 1,000, the next one read while one is written, attachments beside them.
import { failpoint } from '../database/failpoints.ts';
import { beside } from './attachments.ts';
import { refuseTooManyLetters } from './limits.ts';
import { readPage } from './narrowing.ts';
import { writePage } from './page-writer.ts';
import { advance, checkpoint, type Run } from './run.ts';

const PAGE = 1000;

export async function moveRest(at: Run) {
  await beside(at, () => readOn(at, null));
  await advance(at, { from: 'rest', reaches: null });
}

/** Reads and writes all pages after the position of the move, down to `until`. */
export async function readOn(at: Run, until: string | null) {
  let move = await checkpoint(at);
  const read = (after: string | null) => {
    const page = readPage(at.reader, { after, until, limit: PAGE });
    // Its failure is met when it is awaited; until then it must not end the process.
    page.catch(() => {});
    return page;
  };
  let ahead = move.all_read === 1 ? null : read(move.position);
  while (ahead !== null) {
    const { items, lost, next } = await ahead;
    await failpoint('page read');
    ahead = next === null ? null : read(next);
    await writePage(at, { items, lost, page: move.page, next });
    move = await checkpoint(at);
    refuseTooManyLetters(at, move);
  }
}
