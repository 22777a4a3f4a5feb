// Writes one page of messages: position, threads, messages, attachments and dead letters in one commit.
import type { PoolConnection } from 'mysql2/promise';
import { insertRows, type Columns } from '../database/bulk.ts';
import { failpoint } from '../database/failpoints.ts';
import {
  join,
  name,
  run,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { Problem } from '../problems.ts';
import { lettersOf, recordLetters, withoutKnown, type Letter } from './letters.ts';
import { readThreads } from './narrowing.ts';
import type { RawRecord } from './reader.ts';
import { messagesOf, threadsOf, timeOf, type Message, type Thread } from './records.ts';
import { own, RunStopped, type Run } from './run.ts';

/** A page that was read. `lost`: records that cannot be read. */
export type FoundPage = {
  items: RawRecord[];
  lost: { cursor: string; reason: string; cause: string }[];
  /** The page number that the move has before it, and the cursor that it has after it. */
  page: number;
  next: string | null;
};

/** What a page becomes here; `missing`: messages whose threads are not to be had. */
type Rows = {
  messages: Message[];
  threads: Thread[];
  missing: Message[];
  letters: Letter[];
  /** The cursor of the newest record of the page. */
  newest: string | null;
};

/**
 * Writes a page, unless another worker has written it.
 * @throws RunStopped when another worker went on with the run
 */
export async function writePage(at: Run, found: FoundPage): Promise<void> {
  const rows = await rowsOf(at, found);
  await failpoint('page before commit');
  try {
    await commit(at, found, rows);
  } catch (error) {
    if (error instanceof Problem || error instanceof RunStopped || !isRefused(error)) throw error;
    await commit(at, found, await withoutRefused(at, rows));
  }
  await failpoint('page committed');
}

/** Whether the database refuses a value; everything else is a fault of the database or of the program. */
const isRefused = (error: unknown) =>
  !isUnwilling(error) && (error as { sqlMessage?: string }).sqlMessage !== undefined;

async function rowsOf(at: Run, { items, lost }: FoundPage): Promise<Rows> {
  const letters = lettersOf(at, lost);
  const parse = messagesOf(at.externalId);
  const messages: Message[] = [];
  for (const raw of items) {
    const { record, fault } = parse(raw.item);
    if (record) messages.push(record);
    else letters.push(...lettersOf(at, [{ ...raw, reason: fault, cause: 'unreadable-message' }]));
  }
  const found = await threadsFor(at, messages, letters);
  const newest = [items[0]?.cursor ?? '', lost[0]?.cursor ?? ''].toSorted().at(-1) || null;
  return { messages, ...found, letters: await withoutKnown(at, letters), newest };
}

/** The threads of messages that are not here in this run, and the messages whose threads cannot be read. */
async function threadsFor(at: Run, messages: Message[], letters: Letter[]) {
  const wanted = [...new Set(messages.map(({ thread_id: id }) => id))];
  const known = new Set(await threadsHere(at, wanted));
  const unknown = wanted.filter((id) => !known.has(id));
  const { items: found, lost } = await readThreads(at.reader, unknown);
  letters.push(...lettersOf(at, lost, 'thread'));
  const parse = threadsOf(at.externalId);
  const threads: Thread[] = [];
  for (const raw of found) {
    const { record, fault } = parse(raw.item);
    if (record) threads.push(record);
    else {
      const letter = { ...raw, reason: fault, cause: 'unreadable-thread' };
      letters.push(...lettersOf(at, [letter], 'thread'));
    }
  }
  const here = new Set([...known, ...threads.map(({ id }) => id)]);
  return { threads, missing: messages.filter(({ thread_id: id }) => !here.has(id)) };
}

/** Those of the threads that this run has written. */
export const threadsHere = async (at: Run, ids: string[]): Promise<string[]> =>
  (
    await select<{ id: string }>(
      at.here.sql,
      sql`select id from inbox_thread where account_id = ${at.account} and run = ${at.run} and id in (${ids})`,
    )
  ).map(({ id }) => id);

const commit = (at: Run, { page, next }: FoundPage, rows: Rows) =>
  transaction(at.here.sql, async (on) => {
    const { messages, threads, letters, newest } = rows;
    const moved = await run(
      on,
      sql`update account_move
             set position = ${next}, page = page + 1, all_read = ${next === null},
                 messages = messages + ${messages.length}, threads = threads + ${threads.length},
                 failed = failed + ${letters.length}, failing_since = null,
                 newest_position = coalesce(newest_position, ${newest})
           where ${own(at)} and page = ${page}`,
    );
    if (moved === 0) throw new RunStopped('superseded');
    await failpoint('page locked');
    await upsertThreads(on, at, threads);
    await addStubs(on, at, rows.missing);
    await upsertMessages(on, at, messages);
    await recordLetters(on, at, letters);
    await failpoint('page written');
  });

/** Finds the records that the database refuses, and makes dead letters of them. */
async function withoutRefused(at: Run, rows: Rows): Promise<Rows> {
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

/** Sorts records by whether the database takes them, by halving those of which it refuses some. */
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

/** Why the database refuses something; null when it takes it. Nothing of it is kept. */
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

type Owner = Pick<Run, 'account' | 'run'>;

/** Writes the rows of a run over those of earlier runs, never over rows that were written here (`run` null). */
const upsert = (on: Queryable, table: string, columns: string[], rows: Columns[]) => {
  const newer = sql`run < values(run)`;
  const set = (column: string, value: Statement) =>
    sql`${name(column)} = if(${newer}, ${value}, ${name(column)})`;
  const assignments = columns.map((column) => set(column, sql`values(${name(column)})`));
  // The run comes last, because each assignment sees the ones before it.
  return insertRows(
    on,
    table,
    rows,
    sql`on duplicate key update ${join(assignments, ', ')}, run = greatest(run, values(run))`,
  );
};

export const upsertBrands = (on: Queryable, at: Owner, brands: { id: string; name: string }[]) =>
  upsert(
    on,
    'inbox_brand',
    ['name'],
    brands.map(({ id, name: called }) => ({ ...owned(at), id, name: called })),
  );

type WantedChannel = {
  id: string;
  brand_id?: string | null | undefined;
  kind: string;
  name: string;
  address: string;
};

export const upsertChannels = (on: Queryable, at: Owner, channels: WantedChannel[]) =>
  upsert(
    on,
    'inbox_channel',
    ['brand_id', 'kind', 'name', 'address'],
    channels.map(({ id, brand_id: brand = null, kind, name: called, address }) => ({
      ...owned(at),
      id,
      brand_id: brand,
      kind,
      name: called,
      address,
    })),
  );

export const upsertThreads = (on: Queryable, at: Owner, threads: Thread[]) =>
  upsert(
    on,
    'inbox_thread',
    ['channel_id', 'title', 'customer', 'last_at', 'gone_at'],
    threads.map(({ id, channel_id: channel, title, customer, last_at: last }) => ({
      ...owned(at),
      id,
      channel_id: channel,
      title,
      customer,
      last_at: toSqlInstant(last),
      gone_at: null,
    })),
  );

/** Run of a thread that stands in for one that cannot be read: every run may write over it. */
const STUB_RUN = 0;

/** Threads in place of those that do not exist any more, or cannot be read, so that their messages are shown. */
const addStubs = (on: PoolConnection, at: Run, messages: Message[]) =>
  insertRows(
    on,
    'inbox_thread',
    [...Map.groupBy(messages, ({ thread_id: id }) => id)].map(([id, [newest]]) => ({
      account_id: at.account,
      id,
      channel_id: '',
      last_at: toSqlInstant(timeOf(newest ?? { position: '' })),
      run: STUB_RUN,
    })),
    sql`on duplicate key update run = run`,
  );

export async function upsertMessages(on: Queryable, at: Owner, messages: Message[]) {
  await upsert(
    on,
    'inbox_message',
    ['thread_id', 'direction', 'author', 'body', 'gone_at'],
    messages.map(({ position, thread_id: thread, direction, author, body }) => ({
      ...owned(at),
      position,
      thread_id: thread,
      direction,
      author,
      body,
      gone_at: null,
    })),
  );
  // The object of an earlier run is kept, so that it can be read until the attachment is fetched again.
  await upsert(
    on,
    'inbox_attachment',
    ['name', 'type', 'url', 'state', 'reason', 'gone_at'],
    messages.flatMap(({ position, attachments }) =>
      attachments.map(({ id, name: called, type, url }) => ({
        ...owned(at),
        position,
        id,
        name: called,
        type,
        url,
        state: 'waiting',
        reason: null,
        gone_at: null,
      })),
    ),
  );
}

const owned = ({ account, run: number }: Owner) => ({ account_id: account, run: number });
