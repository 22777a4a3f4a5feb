// The last stage: what is new at the source since the run began, threads without messages, and what is gone there.
import { failpoint } from '../database/failpoints.ts';
import { first, run, select, sql, transaction } from '../database/sql.ts';
import { lettersOf, recordLetters, withoutKnown } from './letters.ts';
import * as moves from './moves.ts';
import { threadsHere } from './page-rows.ts';
import { upsertThreads } from './upserts.ts';
import { readThreads } from './narrowing.ts';
import { positionIn, threadsOf } from './records.ts';
import { readOn } from './rest.ts';
import { refuseTooManyLetters } from './limits.ts';
import { advance, checkpoint, current, own, RunStopped, type Run } from './run.ts';

export async function moveLast(at: Run) {
  const { reader, newest_position: newest } = await current(at);
  // A dump does not change.
  if (reader === 'store') await readOn(at, newest);
  await compareThreads(at);
  await markGone(at);
  await failpoint('final check compared');
  await complete(at);
}

/** Fetches threads that are missing here, and marks those that the source does not have any more. */
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
  const parse = threadsOf(at.externalId);
  const read = await readThreads(at.reader, missing);
  const found = read.items.map((raw) => ({ raw, ...parse(raw.item) }));
  const threads = found.flatMap(({ record }) => record ?? []);
  const lost = found.flatMap(({ raw, fault }) =>
    fault === null ? [] : { ...raw, reason: fault, cause: 'unreadable-thread' },
  );
  const letters = await withoutKnown(at, lettersOf(at, [...read.lost, ...lost], 'thread'));
  await transaction(at.here.sql, async (on) => {
    const isOwn = await run(
      on,
      sql`update account_move
             set threads = threads + ${threads.length}, failed = failed + ${letters.length}
           where ${own(at)}`,
    );
    if (isOwn === 0) throw new RunStopped('superseded');
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

const setGone = ({ here, account }: Run, ids: string[]) =>
  run(
    here.sql,
    sql`update inbox_thread set gone_at = utc_timestamp(3)
         where account_id = ${account} and gone_at is null and id in (${ids})`,
  );

/**
 * Marks messages and attachments of earlier runs that this run did not meet, except those whose records are there and
 * cannot be stored.
 */
async function markGone(at: Run) {
  const kept = await unstored(at);
  for (const table of [sql`inbox_message`, sql`inbox_attachment`]) {
    let marked = IDS;
    while (marked === IDS) {
      await checkpoint(at);
      marked = await run(
        at.here.sql,
        sql`update ${table} set gone_at = utc_timestamp(3)
             where account_id = ${at.account} and run < ${at.run} and gone_at is null
               and position not in (${['', ...kept]})
             limit ${IDS}`,
      );
    }
  }
}

/** The positions of messages that are dead letters. */
async function unstored({ here, externalId }: Run): Promise<string[]> {
  const letters = await select<{ payload: string }>(
    here.sql,
    sql`select payload from dead_letter where subject = ${externalId} and state <> 'done'`,
  );
  return letters.flatMap(({ payload }) => {
    const { cursor, item } = JSON.parse(payload) as { cursor: string; item: unknown };
    return [cursor, positionIn({ cursor, item }) ?? []].flat();
  });
}

/** Counts what is here, and completes the run. */
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
