// Writes pages (batches) of messages. One commit stores a page’s threads, messages, attachments and dead letters, and
// the cursor after which reading continues.
import type { PoolConnection } from 'mysql2/promise';
import { insertRows } from '../database/bulk.ts';
import { failpoint } from '../database/failpoints.ts';
import { ahead, prefetch } from '../database/read-ahead.ts';
import { sql, toSqlInstant, transaction, type Queryable } from '../database/sql.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { giveWay } from './giving-way.ts';
import { lettersOf, recordLetters, withoutKnown } from './letters.ts';
import { refuseTooManyLetters } from './limits.ts';
import type { Move } from './moves.ts';
import { preparing, type FoundPage, type PreparedPage, type PageRows } from './page-rows.ts';
import { timeOf, type Message } from './records.ts';
import { changeMove, checkpoint, withoutError, type Run } from './run.ts';
import { upsertMessages, upsertThreads } from './upserts.ts';

/**
 * Writes all pages of messages. While a page is written, the next page is prepared and the page
 * after that is read. `move`: the migration before the first page.
 * @throws RunStopped when another worker has taken over the run
 */
export async function writePages(at: Run, found: AsyncGenerator<FoundPage>, move: Move) {
  let { page } = move;
  for await (const one of prefetch(ahead(found), preparing(at))) {
    await failpoint('page read');
    await giveWay(at);
    await writePage(at, one, page);
    const now = await checkpoint(at);
    refuseTooManyLetters(at, now);
    ({ page } = now);
  }
}

async function writePage(at: Run, { rows, next, isEnd }: PreparedPage, page: number) {
  // Leave out dead letters that are recorded already. This is done only after the page before was stored, because that
  // page may have recorded dead letters for the same threads.
  const fresh = { ...rows, letters: await withoutKnown(at, rows.letters) };
  await failpoint('page before commit');
  try {
    await commit(at, { page, next, isEnd }, fresh);
  } catch (error) {
    if (!isRefused(error)) throw error;
    await commit(at, { page, next, isEnd }, await withoutRefused(at, fresh));
  }
  await failpoint('page committed');
}

/**
 * Error numbers with which a database refuses a value. Any other error is a fault of the database
 * or of this program, and not of the record.
 */
const OF_VALUES = [1048, 1062, 1153, 1264, 1292, 1366, 1406, 3140, 3819, 3988, 4025];

const isRefused = (error: unknown) =>
  OF_VALUES.includes(Number((error as { errno?: unknown }).errno));

type Step = { page: number; next: string | null; isEnd: boolean };

const commit = (at: Run, { page, next, isEnd }: Step, rows: PageRows) =>
  transaction(at.here.sql, async (on) => {
    const { messages, threads, letters, newest } = rows;
    await changeMove(on, at, {
      set: sql`position = ${next}, page = page + 1, all_read = ${isEnd},
               messages = messages + ${messages.length}, threads = threads + ${threads.length},
               failed = failed + ${letters.length}, ${withoutError},
               newest_position = coalesce(newest_position, ${newest})`,
      only: sql`page = ${page}`,
    });
    await failpoint('page locked');
    await upsertThreads(on, at, threads);
    await addStubs(on, at, rows.missing);
    await upsertMessages(on, at, messages);
    await recordLetters(on, at, letters);
    await failpoint('page written');
  });

/** Finds the records that the database refuses, and makes dead letters of them. */
async function withoutRefused(at: Run, rows: PageRows): Promise<PageRows> {
  const threads = await sorted(rows.threads, (some) =>
    whyRefused(at, (on) => upsertThreads(on, at, some)),
  );
  const messages = await sorted(rows.messages, (some) =>
    whyRefused(at, (on) => upsertMessages(on, at, some)),
  );
  const letters = [
    ...lettersOf(
      at,
      messages.refused.map(([item, reason]) => ({ cursor: item.position, item, reason, cause })),
    ),
    ...lettersOf(
      at,
      threads.refused.map(([item, reason]) => ({ cursor: item.id, item, reason, cause })),
      'thread',
    ),
  ];
  const lacking = new Set(threads.refused.map(([{ id }]) => id));
  const orphans = messages.taken.filter(({ thread_id: id }) => lacking.has(id));
  return {
    ...rows,
    messages: messages.taken,
    threads: threads.taken,
    missing: [...rows.missing, ...orphans],
    letters: [...rows.letters, ...(await withoutKnown(at, letters))],
  };
}

const cause = 'refused-by-database';

type Sorted<T> = { taken: T[]; refused: [T, string][] };

/**
 * Separates records that the database accepts from records that it refuses, by halving a refused
 * list until single records remain.
 */
async function sorted<T>(
  records: T[],
  whyNot: (some: T[]) => Promise<string | null>,
): Promise<Sorted<T>> {
  const reason = records.length === 0 ? null : await whyNot(records);
  if (reason === null) return { taken: records, refused: [] };
  const [only, second] = records;
  if (only !== undefined && second === undefined) return { taken: [], refused: [[only, reason]] };
  const half = Math.ceil(records.length / 2);
  const parts = [
    await sorted(records.slice(0, half), whyNot),
    await sorted(records.slice(half), whyNot),
  ];
  return {
    taken: parts.flatMap(({ taken }) => taken),
    refused: parts.flatMap(({ refused }) => refused),
  };
}

/**
 * Tries a write and rolls it back. Returns why the database refuses it; null if the database
 * accepts it.
 */
async function whyRefused(
  at: Run,
  write: (on: PoolConnection) => Promise<unknown>,
): Promise<string | null> {
  class Undone extends Error {}
  try {
    await transaction(at.here.sql, async (on) => {
      await write(on);
      throw new Undone();
    });
    return null;
  } catch (error) {
    if (error instanceof Undone) return null;
    if (!isRefused(error)) throw error;
    return reasonOf(error);
  }
}

/**
 * The number of the migration run in a placeholder for a thread that cannot be read. It is lower than the number of any
 * run, so that every run may overwrite the placeholder.
 */
const STUB_RUN = 0;

/**
 * Adds placeholders for threads that no longer exist or cannot be read, so that their messages are
 * shown. `isGone`: whether the threads are known not to exist. If false, the final check of the
 * migration finds out whether the threads exist.
 */
export const addStubs = (
  on: Queryable,
  at: Pick<Run, 'account'>,
  messages: Message[],
  { isGone = false } = {},
) =>
  insertRows(
    on,
    'inbox_thread',
    [...Map.groupBy(messages, ({ thread_id: id }) => id)].map(([id, [newest]]) => ({
      account_id: at.account,
      id,
      channel_id: '',
      last_at: toSqlInstant(timeOf(newest ?? { position: '' })),
      run: STUB_RUN,
      gone_at: isGone ? toSqlInstant(new Date().toISOString()) : null,
    })),
    sql`on duplicate key update run = run`,
  );
