// Retries one dead letter of a migration: reads its record from the older system or the dump again, and stores the
// record with its thread or attachments.
import type { PoolConnection } from 'mysql2/promise';
import { failpoint } from '../database/failpoints.ts';
import { first, run, sql, transaction, type Queryable, type Statement } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import type { Work } from '../jobs/task.ts';
import { Problem, Unavailable } from '../problems.ts';
import {
  asStored,
  FetchFailed,
  fetchAndStore,
  type WaitingAttachment,
} from './attachment-fetch.ts';
import { channelsThere } from './conversations.ts';
import { requestJob } from './job-requests.ts';
import type { LetterPayload } from './letters.ts';
import * as moves from './moves.ts';
import type { Move } from './moves.ts';
import { openReader } from './open-reader.ts';
import { readThreadRows, threadsHere } from './page-rows.ts';
import { addStubs } from './page-writer.ts';
import { SourceFailed, type Reader } from './reader.ts';
import { idIn, messagesOf, parseBrand, parseChannel, threadsOf, type Parsed } from './records.ts';
import { upsertBrands, upsertChannels, upsertMessages, upsertThreads } from './upserts.ts';

/**
 * Reads, parses and stores the record of a dead letter again. If the older system or the dump no longer has the record,
 * the dead letter is resolved, too.
 */
export async function retryLetter(work: Work, payload: unknown, settle: Settle): Promise<void> {
  const letter = payload as LetterPayload;
  const { here } = work;
  const move = await moves.byAccount(here.sql, letter.account);
  if (!move || move.run !== letter.run) throw superseded();
  const reader = openReader(here, sourceOf(move, letter));
  try {
    await retryOne({ here, work, settle, move, reader }, letter);
  } catch (error) {
    // Throw a Problem without the original error as its cause. If that error were temporary, the
    // job would be retried again and again, and the person would not be notified.
    if (error instanceof SourceFailed || error instanceof FetchFailed) {
      throw new Problem(502, error.message);
    }
    throw error;
  } finally {
    reader.close();
  }
}

/**
 * Selects the older system’s store or the dump that contains the record of a dead letter, because a run may have read
 * two dumps.
 */
const sourceOf = (move: Move, { location }: LetterPayload) => ({
  ...move,
  reader: location === null ? ('store' as const) : ('dump' as const),
  location,
});

/**
 * Marks the dead letter as resolved, in the same commit that stores its record. Returns false if an earlier attempt has
 * already done so.
 */
type Settle = (on: Queryable) => Promise<boolean>;
type Retry = { here: App; work: Work; settle: Settle; move: Move; reader: Reader };

const retryOne = (at: Retry, letter: LetterPayload): Promise<void> => {
  switch (letter.what) {
    case 'attachment':
      return retryAttachment(at, letter.item as WaitingAttachment);
    case 'message':
      return retryMessage(at, letter);
    case 'thread':
      return retryThread(at, letter);
    case 'brand':
    case 'channel':
      return retryChannel(at, letter);
  }
};

type Change = {
  /** SQL assignments that change the counts of the migration. */
  count: Statement;
  write?: (on: PoolConnection) => Promise<unknown>;
};

/**
 * Stores the record and resolves its dead letter in one commit. Locks the row of the migration first, as every writer
 * does, so that writers do not deadlock.
 */
async function store({ here, settle, move }: Retry, { count, write }: Change) {
  await failpoint('dead letter read');
  await transaction(here.sql, async (on) => {
    const { run: current } = await moves.lock(on, move.account_id);
    if (current !== move.run) throw superseded();
    if (!(await settle(on))) return;
    await run(on, sql`update account_move set ${count} where account_id = ${move.account_id}`);
    await write?.(on);
  });
  await failpoint('dead letter stored');
}

const settled = sql`failed = greatest(failed, 1) - 1`;

async function retryMessage(at: Retry, letter: LetterPayload) {
  const { here, move, reader, work } = at;
  const raw = await reader.message(letter.cursor);
  if (!raw) return store(at, { count: settled });
  const { account_id: account, external_id: externalId, run: number } = move;
  const owner = { here, account, externalId, run: number, location: letter.location, reader };
  const record = parsedOrRefused(messagesOf(externalId)(raw.item));
  const [known] = await threadsHere(owner, [record.thread_id]);
  const threads =
    known === undefined ? (await readThreadRows(owner, [record.thread_id])).threads : [];
  const requested: Job[] = [];
  await store(at, {
    count: sql`${settled}, messages = messages + 1, threads = threads + ${threads.length}`,
    write: async (on) => {
      await upsertThreads(on, owner, threads);
      if (known === undefined && threads.length === 0) {
        await addStubs(on, owner, [record], { isGone: move.migration_status === 'completed' });
      }
      await upsertMessages(on, owner, [record]);
      // A completed run fetches no more attachments, so request a job for the attachments of this
      // message.
      const isLate = move.migration_status === 'completed' && record.attachments.length > 0;
      if (isLate) requested.push(await requestJob(on, { ...move, wave_id: null }, work.job.person));
    },
  });
  for (const job of requested) work.queue(job);
}

async function retryThread(at: Retry, { cursor }: LetterPayload) {
  const { move, reader } = at;
  const [raw] = await reader.threads([cursor]);
  if (!raw) return store(at, { count: settled });
  const record = parsedOrRefused(threadsOf(move.external_id)(raw.item));
  return store(at, {
    count: sql`${settled}, threads = threads + 1`,
    write: (on) => upsertThreads(on, { account: move.account_id, run: move.run }, [record]),
  });
}

async function retryChannel(at: Retry, { what, cursor }: LetterPayload) {
  const { here, move } = at;
  const { moves: settings } = here.settings;
  if (!settings) throw new Unavailable('CONVERSATIONS_URL is not set here.');
  const there = await channelsThere(settings, move.external_id);
  const items = what === 'brand' ? there.brands : there.channels;
  const item = items.find((one) => idIn(one) === cursor);
  // A brand or channel without an id cannot be found again in the older system. It may still exist
  // there, so its dead letter stays open.
  if (item === undefined && cursor.startsWith('number ')) {
    throw new Problem(422, 'It had no id, so it cannot be found again. Migrate the account again.');
  }
  if (item === undefined) return store(at, { count: settled });
  const owner = { account: move.account_id, run: move.run };
  if (what === 'brand') {
    const brand = parsedOrRefused(parseBrand(item));
    return store(at, { count: settled, write: (on) => upsertBrands(on, owner, [brand]) });
  }
  const channel = parsedOrRefused(parseChannel(item));
  return store(at, {
    count: sql`${settled}, channels = channels + 1`,
    write: (on) => upsertChannels(on, owner, [channel]),
  });
}

/** @throws Problem when the record still cannot be stored */
function parsedOrRefused<T>(parsed: Parsed<T>): T {
  if (parsed.fault !== null) throw new Problem(422, parsed.fault);
  return parsed.record;
}

/** Fetches the content of an attachment that was skipped. */
async function retryAttachment(at: Retry, { position, id }: WaitingAttachment) {
  const { here, move, reader } = at;
  const known = await first<Pick<WaitingAttachment, 'url' | 'type'> & { state: string }>(
    here.sql,
    sql`select state, url, type from inbox_attachment
         where account_id = ${move.account_id} and position = ${position} and id = ${id}`,
  );
  if (known?.state !== 'skipped') return;
  const url = await urlThere(at, { position, id, url: known.url });
  if (url === null) return forget(at, { position, id });
  const stored = await fetchAndStore(
    { here, reader, account: move.account_id },
    { position, id, url, type: known.type },
    new AbortController().signal,
  );
  await store(at, {
    count: sql`skipped = greatest(skipped, 1) - 1, attachments = attachments + 1`,
    write: (on) =>
      run(
        on,
        sql`update inbox_attachment set url = ${url}, ${asStored(stored)}
             where account_id = ${move.account_id} and position = ${position} and id = ${id}
               and state = 'skipped'`,
      ),
  });
}

type Line = Pick<WaitingAttachment, 'position' | 'id'>;

/**
 * Returns the URL that the older system’s store now has for the attachment; null if the message no
 * longer has this attachment.
 */
async function urlThere(
  { reader, move }: Retry,
  { position, id, url }: Line & { url: string },
): Promise<string | null> {
  // A dump contains the attachments themselves, so no current URL is needed.
  if (move.reader === 'dump') return url;
  const raw = await reader.message(position);
  const message = raw && messagesOf(move.external_id)(raw.item).record;
  if (!message) return raw ? url : null;
  return message.attachments.find((one) => one.id === id)?.url ?? null;
}

/**
 * Marks an attachment as gone, because the older system or the dump no longer has it and there is nothing left to
 * fetch.
 */
const forget = (at: Retry, { position, id }: Line) =>
  store(at, {
    count: sql`skipped = greatest(skipped, 1) - 1`,
    write: (on) =>
      run(
        on,
        sql`update inbox_attachment set gone_at = utc_timestamp(3)
             where account_id = ${at.move.account_id} and position = ${position} and id = ${id}`,
      ),
  });

const superseded = () => new Problem(409, 'A later run has read the account again.');
