// Retries and discards dead letters of moves. A retry reads the record from its source again.
import { failpoint } from '../database/failpoints.ts';
import { first, run, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as deadLetters from '../jobs/dead-letters.ts';
import type { Job } from '../jobs/jobs.ts';
import { undecidedOnes, type LetterFilter } from '../jobs/open-letters.ts';
import type { Work } from '../jobs/task.ts';
import { Conflict, Invalid, Problem, Unavailable } from '../problems.ts';
import { asStored, FetchFailed, fetchAndStore, type WaitingAttachment } from './attachments.ts';
import { moveKinds } from './job-requests.ts';
import type { LetterPayload } from './letters.ts';
import * as moves from './moves.ts';
import type { Move } from './moves.ts';
import { openReader } from './open-reader.ts';
import { channelsThere } from './conversations.ts';
import { upsertBrands, upsertChannels, upsertMessages, upsertThreads } from './upserts.ts';
import { SourceFailed, type Reader } from './reader.ts';
import { messagesOf, parseBrand, parseChannel, threadsOf, type Parsed } from './records.ts';

type Wanted = { account?: string; cause?: string; ids?: number[]; person: string };

const filterOf = ({ account, cause, ids }: Wanted): LetterFilter => ({
  kinds: moveKinds,
  subject: account ?? null,
  cause: cause ?? null,
  ids: ids ?? null,
});

/**
 * What was done with dead letters. `passed`: how many were passed over, because they are being retried or were settled
 * meanwhile; `left`: how many more there are than are taken in one go.
 */
export type Handled = { count: number; passed: number; left: number };

/**
 * Retries open dead letters: some, those of an account, those of a cause. `push` queues each job, so that those that were
 * requested run even if a later request fails.
 */
export async function retryLetters(
  here: App,
  wanted: Wanted,
  push: (job: Job) => Promise<void> = async () => {},
): Promise<Handled & { jobs: Job[] }> {
  const jobs: Job[] = [];
  const handled = await handleEach(here, wanted, async (id) => {
    // Nobody waits for many of them, and they share their queue with transfers.
    const job = await deadLetters.retry(here, id, wanted.person, 'low');
    jobs.push(job);
    await push(job);
  });
  return { ...handled, jobs };
}

/** Discards open dead letters, for a reason; they do not count as failed any more. */
export async function discardLetters(
  here: App,
  { reason, ...wanted }: Wanted & { reason: string },
): Promise<Handled> {
  if (reason.trim() === '') throw new Invalid({ reason: 'Enter why they are discarded' });
  return handleEach(here, wanted, (id) =>
    deadLetters.discard(here, id, {
      person: wanted.person,
      note: reason.trim(),
      also: async (on) => {
        const letter = await deadLetters.byId(on, id);
        if (letter) await uncount(on, JSON.parse(letter.payload) as LetterPayload);
      },
    }),
  );
}

async function handleEach(
  here: App,
  wanted: Wanted,
  handle: (id: number) => Promise<unknown>,
): Promise<Handled> {
  const { letters, retrying, left } = await undecidedOnes(here.sql, filterOf(wanted));
  const handled = { count: 0, passed: retrying, left };
  for (const { id } of letters) {
    try {
      await handle(id);
      handled.count += 1;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      handled.passed += 1;
    }
  }
  return handled;
}

/** A record that is no dead letter any more does not count as one. */
export const uncount = (on: Queryable, { what, account, run: number }: LetterPayload) =>
  what === 'attachment'
    ? Promise.resolve(0)
    : run(
        on,
        sql`update account_move set failed = failed - 1
             where account_id = ${account} and run = ${number} and failed > 0`,
      );

/** Reads, parses and stores the record of a dead letter again; a record that is gone at the source is done, too. */
export async function retryLetter(work: Work, payload: unknown, settle: Settle): Promise<void> {
  const letter = payload as LetterPayload;
  const { here } = work;
  const move = await moves.byAccount(here.sql, letter.account);
  if (!move || move.run !== letter.run) {
    throw superseded();
  }
  const reader = openReader(here, sourceOf(move, letter));
  try {
    await retryOne({ here, settle, move, reader }, letter);
  } catch (error) {
    // The cause is left out: an error that may pass would be retried again and again, without a word to the person.
    if (error instanceof SourceFailed || error instanceof FetchFailed) {
      throw new Problem(502, error.message);
    }
    throw error;
  } finally {
    reader.close();
  }
}

/** Where the record of a dead letter stands: a run may have read two dumps. */
const sourceOf = (move: Move, { location }: LetterPayload) => ({
  ...move,
  reader: location === null ? ('store' as const) : ('dump' as const),
  location,
});

/** Ends the dead letter in the commit of its record; false when an earlier attempt has done so. */
type Settle = (on: Queryable) => Promise<boolean>;
type Retry = { here: App; settle: Settle; move: Move; reader: Reader };

async function retryOne(at: Retry, letter: LetterPayload) {
  if (letter.what === 'attachment') return retryAttachment(at, letter.item as WaitingAttachment);
  const write = await readAgain(at, letter);
  await failpoint('dead letter read');
  await transaction(at.here.sql, async (on) => {
    const { account_id: account, run: number } = at.move;
    if (!(await at.settle(on))) return;
    const found = await run(
      on,
      sql`update account_move
             set failed = greatest(failed, 1) - 1, ${write === null ? sql`page = page` : counted[letter.what]}
           where account_id = ${account} and run = ${number}`,
    );
    if (found === 0) throw superseded();
    await write?.(on);
  });
  await failpoint('dead letter stored');
}

const counted = {
  brand: sql`page = page`,
  channel: sql`channels = channels + 1`,
  thread: sql`threads = threads + 1`,
  message: sql`messages = messages + 1`,
  attachment: sql`page = page`,
};

type Write = (on: Queryable) => Promise<unknown>;

/** Reads the record again; returns what stores it, or null when it is gone at the source. */
async function readAgain(
  { here, move, reader }: Retry,
  letter: LetterPayload,
): Promise<Write | null> {
  const owner = { account: move.account_id, run: move.run };
  const { external_id: externalId } = move;
  switch (letter.what) {
    case 'message': {
      const raw = await reader.message(letter.cursor);
      if (!raw) return null;
      const record = parsedOrRefused(messagesOf(externalId)(raw.item));
      const [thread] = await reader.threads([record.thread_id]);
      const header = thread ? threadsOf(externalId)(thread.item).record : null;
      return async (on) => {
        if (header) await upsertThreads(on, owner, [header]);
        await upsertMessages(on, owner, [record]);
      };
    }
    case 'thread': {
      const [raw] = await reader.threads([letter.cursor]);
      if (!raw) return null;
      const record = parsedOrRefused(threadsOf(externalId)(raw.item));
      return (on) => upsertThreads(on, owner, [record]);
    }
    default: {
      const { moves: settings } = here.settings;
      if (!settings) throw new Unavailable('CONVERSATIONS_URL is not set here.');
      const there = await channelsThere(settings, externalId);
      const isIt = (item: unknown) => (item as { id?: unknown } | null)?.id === letter.cursor;
      const brand = there.brands.find(isIt);
      const channel = there.channels.find(isIt);
      if (letter.what === 'brand' && brand !== undefined) {
        const record = parsedOrRefused(parseBrand(brand));
        return (on) => upsertBrands(on, owner, [record]);
      }
      if (letter.what === 'channel' && channel !== undefined) {
        const record = parsedOrRefused(parseChannel(channel));
        return (on) => upsertChannels(on, owner, [record]);
      }
      return null;
    }
  }
}

/** @throws Problem when the record still cannot be stored */
function parsedOrRefused<T>(parsed: Parsed<T>): T {
  if (parsed.fault !== null) throw new Problem(422, parsed.fault);
  return parsed.record;
}

/** Fetches an attachment again that was skipped. */
async function retryAttachment(at: Retry, line: WaitingAttachment) {
  const { here, move } = at;
  const { position, id } = line;
  const known = await first<Pick<WaitingAttachment, 'url' | 'type'> & { state: string }>(
    here.sql,
    sql`select state, url, type from inbox_attachment
         where account_id = ${move.account_id} and position = ${position} and id = ${id}`,
  );
  if (known?.state !== 'skipped') return;
  // The URL may have been mended at the source.
  const raw = await at.reader.message(position);
  const mended = raw && messagesOf(move.external_id)(raw.item).record;
  const url = mended?.attachments.find((one) => one.id === id)?.url ?? known.url;
  const stored = await fetchAndStore(
    { here, reader: at.reader, account: move.account_id },
    { position, id, url, type: known.type },
    new AbortController().signal,
  );
  await failpoint('dead letter read');
  await transaction(here.sql, async (on) => {
    if (!(await at.settle(on))) return;
    const found = await run(
      on,
      sql`update account_move set skipped = greatest(skipped, 1) - 1, attachments = attachments + 1
           where account_id = ${move.account_id} and run = ${move.run}`,
    );
    if (found === 0) throw superseded();
    await run(
      on,
      sql`update inbox_attachment set url = ${url}, ${asStored(stored)}
           where account_id = ${move.account_id} and position = ${position} and id = ${id}
             and state = 'skipped'`,
    );
  });
  await failpoint('dead letter stored');
}

const superseded = () => new Problem(409, 'A later run has read the account again.');
