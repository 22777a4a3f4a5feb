// Prepares a page (batch) of messages for writing: parses the messages and reads their threads, while the page before
// is being written.
import { select, sql } from '../database/sql.ts';
import { lettersOf, type Letter } from './letters.ts';
import { readThreads } from './narrowing.ts';
import type { RawRecord } from './reader.ts';
import { messagesOf, threadsOf, type Message, type Thread } from './records.ts';
import type { Run } from './run.ts';

/**
 * A page of messages that was read. `lost`: records that could not be read. `next`: the cursor
 * after which reading continues; null on the last page. `isEnd`: whether this is the last page.
 */
export type FoundPage = {
  items: RawRecord[];
  lost: { cursor: string; reason: string; cause: string }[];
  next: string | null;
  isEnd: boolean;
};

/**
 * The rows that store a page of messages in Oneway’s database. `missing`: messages whose threads could not be read or
 * do not exist.
 */
export type PageRows = {
  messages: Message[];
  threads: Thread[];
  missing: Message[];
  letters: Letter[];
  /** The cursor of the newest record on the page. */
  newest: string | null;
};

export type PreparedPage = { rows: PageRows; next: string | null; isEnd: boolean };

/**
 * Returns a function that parses the pages of messages of a migration run one after another, and reads their threads.
 */
export function preparing(at: Run): (found: FoundPage) => Promise<PreparedPage> {
  // Remember the threads of the page before: that page may not be committed yet, so the database does not have them.
  let before: Thread[] = [];
  return async ({ items, lost, next, isEnd }) => {
    const letters = lettersOf(at, lost);
    const parse = messagesOf(at.externalId);
    const messages: Message[] = [];
    for (const raw of items) {
      const { record, fault } = parse(raw.item);
      if (record) messages.push(record);
      else letters.push(...lettersOf(at, [{ ...raw, reason: fault, cause: 'unreadable-message' }]));
    }
    const found = await threadsFor(at, { messages, before, letters });
    before = found.threads;
    const newest = [items[0]?.cursor ?? '', lost[0]?.cursor ?? ''].toSorted().at(-1) || null;
    return { rows: { messages, ...found, letters, newest }, next, isEnd };
  };
}

type ReadingRun = Omit<Run, 'work'>;
type Wanted = { messages: Message[]; before: Thread[]; letters: Letter[] };

/**
 * Reads the threads that this run has not stored yet. `missing`: the messages whose threads cannot
 * be read.
 */
async function threadsFor(at: ReadingRun, { messages, before, letters }: Wanted) {
  const wanted = [...new Set(messages.map(({ thread_id: id }) => id))];
  const known = new Set([...before.map(({ id }) => id), ...(await threadsHere(at, wanted))]);
  const unknown = wanted.filter((id) => !known.has(id));
  const { threads, letters: lost } = await readThreadRows(at, unknown);
  letters.push(...lost);
  const here = new Set([...known, ...threads.map(({ id }) => id)]);
  return { threads, missing: messages.filter(({ thread_id: id }) => !here.has(id)) };
}

/** Reads and parses threads. Threads that cannot be read or parsed become dead letters. */
export async function readThreadRows(at: ReadingRun, ids: string[]) {
  const { items, lost } = await readThreads(at.reader, ids);
  const letters = lettersOf(at, lost, 'thread');
  const parse = threadsOf(at.externalId);
  const threads: Thread[] = [];
  for (const raw of items) {
    const { record, fault } = parse(raw.item);
    if (record) threads.push(record);
    else {
      const letter = { ...raw, reason: fault, cause: 'unreadable-thread' };
      letters.push(...lettersOf(at, [letter], 'thread'));
    }
  }
  return { threads, letters };
}

/** Returns those of the given thread ids whose threads this migration run has already written. */
export const threadsHere = async (
  at: Pick<Run, 'here' | 'account' | 'run'>,
  ids: string[],
): Promise<string[]> =>
  (
    await select<{ id: string }>(
      at.here.sql,
      sql`select id from inbox_thread where account_id = ${at.account} and run = ${at.run} and id in (${ids})`,
    )
  ).map(({ id }) => id);
