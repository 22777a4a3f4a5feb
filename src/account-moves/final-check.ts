// The last stage of a migration run: reads messages that arrived in the older system during the run, adds threads
// without messages, and marks records that the older system or the dump no longer has.
import { failpoint } from '../database/failpoints.ts';
import type { PoolConnection } from 'mysql2/promise';
import { first, name, run, select, sql, transaction } from '../database/sql.ts';
import { recordLetters, withoutKnown, type LetterPayload } from './letters.ts';
import * as moves from './moves.ts';
import { readThreadRows, threadsHere } from './page-rows.ts';
import { upsertThreads } from './upserts.ts';
import { fetchWaiting } from './attachments.ts';
import { readOn } from './rest.ts';
import { refuseTooManyLetters } from './limits.ts';
import { advance, changeMove, checkpoint, current, type Run } from './run.ts';

export async function moveLast(at: Run) {
  const { reader, newest_position: newest } = await current(at);
  // While an account is migrated, new messages can arrive only in the older system’s store: a dump does not change.
  if (reader === 'store') {
    await readOn(at, newest);
    // The messages that were read just now may have attachments.
    await fetchWaiting(at);
  }
  await compareThreads(at);
  await markGone(at);
  await failpoint('final check compared');
  await complete(at);
}

/**
 * Stores threads of the older system or the dump that Oneway lacks, and marks stored threads as gone if the older
 * system or the dump no longer has them.
 */
async function compareThreads(at: Run) {
  const there = new Set<string>();
  let after: string | null = null;
  do {
    const { items, next } = await at.reader.threadIds(after);
    for (const id of items) there.add(id);
    await addMissing(at, items);
    after = next;
    await checkpoint(at);
  } while (after !== null);
  for await (const ids of threadsOfAccount(at)) {
    const gone = ids.filter((id) => !there.has(id));
    if (gone.length > 0) await setGone(at, gone);
  }
}

async function addMissing(at: Run, ids: string[]) {
  const here = new Set(await threadsHere(at, ids));
  const missing = ids.filter((id) => !here.has(id));
  if (missing.length === 0) return;
  const read = await readThreadRows(at, missing);
  const { threads } = read;
  const letters = await withoutKnown(at, read.letters);
  await transaction(at.here.sql, async (on) => {
    await changeMove(on, at, {
      set: sql`threads = threads + ${threads.length}, failed = failed + ${letters.length}`,
    });
    await upsertThreads(on, at, threads);
    await recordLetters(on, at, letters);
  });
}

const IDS = 5000;

async function* threadsOfAccount({ here, account }: Run) {
  let after = '';
  for (;;) {
    const found = await select<{ id: string }>(
      here.sql,
      sql`select id from inbox_thread
           where account_id = ${account} and run is not null and id > ${after}
           order by id limit ${IDS}`,
    );
    if (found.length === 0) return;
    yield found.map(({ id }) => id);
    after = found.at(-1)?.id ?? '';
  }
}

const setGone = (at: Run, ids: string[]) =>
  transaction(at.here.sql, async (on) => {
    await refuseOthers(on, at);
    await run(
      on,
      sql`update inbox_thread set gone_at = utc_timestamp(3)
           where account_id = ${at.account} and gone_at is null and id in (${ids})
             and (run <> ${at.run} or ${at.location === null})`,
    );
  });

/**
 * Locks the row of the migration, before rows of its messages or threads are changed.
 * @throws RunStopped when another worker has taken over the run
 */
const refuseOthers = (on: PoolConnection, at: Run) =>
  changeMove(on, at, { set: sql`page = page + 1` });

/**
 * Marks messages and attachments of earlier runs as gone if this run did not find them. Messages
 * that this run found but could not store are not marked, and neither are their attachments.
 */
async function markGone(at: Run) {
  if (at.run === 1) return;
  const kept = new Set(await unstored(at));
  for (const table of ['inbox_message', 'inbox_attachment']) {
    let after: string | null = '';
    while (after !== null) {
      await checkpoint(at);
      after = await markSome(at, table, { after, kept });
    }
  }
}

/**
 * Marks the next rows of the table as gone, in the order of their positions. Returns the last position of these rows;
 * null if no rows are left.
 */
async function markSome(
  at: Run,
  table: string,
  { after, kept }: { after: string; kept: Set<string> },
): Promise<string | null> {
  const found = await select<{ position: string }>(
    at.here.sql,
    sql`select distinct position from ${name(table)}
         where account_id = ${at.account} and run < ${at.run} and gone_at is null and position > ${after}
         order by position limit ${IDS}`,
  );
  const gone = found.map(({ position }) => position).filter((position) => !kept.has(position));
  if (gone.length > 0) {
    await transaction(at.here.sql, async (on) => {
      await refuseOthers(on, at);
      await run(
        on,
        sql`update ${name(table)} set gone_at = utc_timestamp(3)
             where account_id = ${at.account} and run < ${at.run} and gone_at is null and position in (${gone})`,
      );
    });
  }
  return found.length < IDS ? null : (found.at(-1)?.position ?? null);
}

/**
 * Returns the positions of messages that the older system or the dump still has, but that became dead letters in this
 * run.
 */
async function unstored({ here, externalId, run: number }: Run): Promise<string[]> {
  const letters = await select<{ payload: string }>(
    here.sql,
    sql`select payload from dead_letter
         where subject = ${externalId} and state <> 'done' and item_key like 'message %'`,
  );
  return letters.flatMap(({ payload }) => {
    const { run: of, cursor, position } = JSON.parse(payload) as LetterPayload;
    return of === number ? [position ?? cursor] : [];
  });
}

/** Counts the messages and threads of this migration run, and marks the run as completed. */
async function complete(at: Run) {
  refuseTooManyLetters(at, await checkpoint(at));
  const counted = await first<Pick<moves.Counts, 'threads' | 'messages'>>(
    at.here.sql,
    sql`select
          (select count(*) from inbox_message where account_id = ${at.account} and run = ${at.run}) as messages,
          (select count(*) from inbox_thread where account_id = ${at.account} and run = ${at.run}) as threads`,
  );
  await advance(at, {
    from: 'final-check',
    reaches: 'completed',
    change: sql`messages = ${counted?.messages ?? 0}, threads = ${counted?.threads ?? 0},
                ended_at = utc_timestamp(3)`,
  });
}
