// The stage of the older messages: pages of 1,000, the next ones read while one is written, attachments beside them.
import { beside } from './attachments.ts';
import { giveWay } from './giving-way.ts';
import type { Move } from './moves.ts';
import { readPage } from './narrowing.ts';
import { preparing, type PreparedPage } from './page-rows.ts';
import { writePages } from './page-writer.ts';
import { advance, checkpoint, type Run } from './run.ts';

const PAGE = 1000;
/** Records on a page of a wave: few, because a person who comes waits for the pages that are under way. */
const PAGE_OF_WAVE = 100;

export async function moveRest(at: Run) {
  await beside(at, () => readOn(at, null));
  await advance(at, { from: 'rest', reaches: null });
}

/** Reads and writes all pages after the position of the move, down to `until`. */
export async function readOn(at: Run, until: string | null) {
  const move = await checkpoint(at);
  await writePages(at, pagesAfter(at, move, until), move);
}

/** The pages, each read while the one before is prepared. */
async function* pagesAfter(
  at: Run,
  move: Move,
  until: string | null,
): AsyncGenerator<PreparedPage> {
  const prepare = preparing(at);
  const limit = move.wave_id === null ? PAGE : PAGE_OF_WAVE;
  const read = (after: string | null) => {
    const page = giveWay(at).then(() => readPage(at.reader, { after, until, limit }));
    // Its failure is met when it is awaited; until then it must not end the process.
    page.catch(() => {});
    return page;
  };
  let ahead = move.all_read === 1 ? null : read(move.position);
  while (ahead !== null) {
    const found = await ahead;
    ahead = found.next === null ? null : read(found.next);
    yield await prepare({ ...found, isEnd: found.next === null });
  }
}
