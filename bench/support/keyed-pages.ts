// Writes the messages of an account in two ways, to compare their speed: page by page as an account migration does,
// where a page is a batch of messages, and with bare inserts of the same rows.
import { messageItems, threadItems, wanted } from '../../demo/conversations/records.ts';
import { begin } from '../../src/jobs/attempt.ts';
import { request } from '../../src/jobs/jobs.ts';
import type { FoundPage } from '../../src/account-moves/page-rows.ts';
import { writePages } from '../../src/account-moves/page-writer.ts';
import * as moves from '../../src/account-moves/moves.ts';
import type { RawRecord } from '../../src/account-moves/reader.ts';
import { messagesOf, threadsOf } from '../../src/account-moves/records.ts';
import type { Run } from '../../src/account-moves/run.ts';
import { insertRows, type Columns } from '../../src/database/bulk.ts';
import { first, run, sql, toSqlInstant, transaction } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';

const PAGE = 1000;

/**
 * An account as it comes from Conversations (the older system, from which accounts are migrated): its messages in
 * pages, and its threads by id.
 */
export type Source = { id: string; pages: FoundPage[]; threads: Map<string, RawRecord> };

/** Generates an account in which one of ten messages has an attachment. */
export function sourceOf(id: string, messages: number): Source {
  const account = wanted({ id, messages });
  const items = [...messageItems(account)].map((item) => ({ cursor: item.position, item }));
  const pages: FoundPage[] = [];
  for (let from = 0; from < items.length; from += PAGE) {
    const some = items.slice(from, from + PAGE);
    const isLast = from + PAGE >= items.length;
    const next = isLast ? null : (some.at(-1)?.cursor ?? null);
    pages.push({ items: some, lost: [], next, isEnd: next === null });
  }
  const threads = new Map<string, RawRecord>();
  for (const item of threadItems(account)) threads.set(item.id, { cursor: item.id, item });
  return { id, pages, threads };
}

/** Adds the record of this account to this environment, with a running job that migrates the account. */
export async function addRunning(here: App, { id, threads }: Source): Promise<Run> {
  const { job } = await request(here.sql, {
    kind: 'bench',
    name: 'Keyed pages',
    person: 'bench',
    input: {},
  });
  const running = await begin(here.sql, job.id);
  await run(
    here.sql,
    sql`insert into inbox_account (external_id, name, created_at) values (${id}, ${id}, utc_timestamp(3))`,
  );
  await run(
    here.sql,
    sql`insert into account_move (account_id, migration_status, run, stage, job)
        select id, 'failed', 1, 'rest', ${job.id} from inbox_account where external_id = ${id}`,
  );
  const account = await first<{ id: number }>(
    here.sql,
    sql`select id from inbox_account where external_id = ${id}`,
  );
  const reader = {
    threads: (ids: string[]) => Promise.resolve(ids.flatMap((one) => threads.get(one) ?? [])),
  };
  return {
    here,
    work: { job: running, report: () => Promise.resolve() },
    account: account?.id ?? 0,
    externalId: id,
    run: 1,
    location: null,
    reader,
  } as unknown as Run;
}

/**
 * Writes all pages (batches of messages) as an account migration does: one commit stores a page and the position after
 * which reading continues. Meanwhile the next page is prepared.
 */
export async function writeKeyed(at: Run, { pages }: Source) {
  const move = await moves.byAccount(at.here.sql, at.account);
  if (move) await writePages(at, readFrom(pages), move);
}

// oxlint-disable-next-line require-await -- The writer expects an async generator, but these pages are in memory.
async function* readFrom(pages: FoundPage[]) {
  yield* pages;
}

type Rows = Record<'inbox_thread' | 'inbox_message' | 'inbox_attachment', Columns[]>;

/**
 * Builds the database rows of each page (batch of messages) for the bare inserts. This happens before the time of the
 * inserts is measured.
 */
export function rowsOf({ account, run: number, externalId }: Run, source: Source): Rows[] {
  const owned = { account_id: account, run: number, gone_at: null };
  const [parse, parseThread] = [messagesOf(externalId), threadsOf(externalId)];
  const seen = new Set<string>();
  return source.pages.map(({ items }) => {
    const messages = items.flatMap(({ item }) => parse(item).record ?? []);
    const fresh = [...new Set(messages.map((one) => one.thread_id))].filter((id) => !seen.has(id));
    for (const id of fresh) seen.add(id);
    return {
      inbox_thread: fresh
        .flatMap((id) => parseThread(source.threads.get(id)?.item).record ?? [])
        .map(({ id, channel_id, title, customer, last_at: last }) => ({
          ...owned,
          id,
          channel_id,
          title,
          customer,
          last_at: toSqlInstant(last),
        })),
      inbox_message: messages.map(({ position, thread_id, direction, author, body }) => ({
        ...owned,
        position,
        thread_id,
        direction,
        author,
        body,
      })),
      inbox_attachment: messages.flatMap(({ position, attachments }) =>
        attachments.map(({ id, name, type, url }) => ({
          ...owned,
          position,
          id,
          name,
          type,
          url,
          state: 'waiting',
        })),
      ),
    };
  });
}

/** Inserts rows without checking whether they exist already, with one commit for each page (batch of messages). */
export async function insertBare(here: App, pages: Rows[]) {
  for (const page of pages) {
    await transaction(here.sql, async (on) => {
      for (const [table, rows] of Object.entries(page)) await insertRows(on, table, rows);
    });
  }
}

/** Counts the threads, messages and attachments of an account in this environment. */
export async function countRows(here: App, { account }: Run): Promise<number> {
  const found = await first<{ count: number }>(
    here.sql,
    sql`select (select count(*) from inbox_thread where account_id = ${account}) +
               (select count(*) from inbox_message where account_id = ${account}) +
               (select count(*) from inbox_attachment where account_id = ${account}) as count`,
  );
  return Number(found?.count);
}
