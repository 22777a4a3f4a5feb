// Fetches an account’s attachments from the older system’s media hosts or from the dump (export), four at a time,
// newest first, and stores them. An attachment that cannot be read is skipped with a reason. While a media host fails,
// the migration pauses.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2/promise';
import pMap from 'p-map';
import { failpoint } from '../database/failpoints.ts';
import { run, select, sql, transaction, type Statement } from '../database/sql.ts';
import { Postponed } from '../jobs/interrupted.ts';
import {
  asStored,
  attachmentDelays,
  FetchFailed,
  fetchAndStore,
  type WaitingAttachment,
} from './attachment-fetch.ts';
import { giveWay } from './giving-way.ts';
import { lettersOf, recordLetters, withoutKnown } from './letters.ts';
import { AttachmentMissing } from './reader.ts';
import { advance, changeMove, checkpoint, own, RunStopped, type Run } from './run.ts';

const SIDE_BY_SIDE = 4;
const BATCH = 40;
/**
 * After IN_A_ROW failures one after another, the media host counts as down. A migration run pauses for it at most
 * PAUSES times.
 */
const IN_A_ROW = 10;
const PAUSES = 10;

/** Why an attachment is skipped: `cause` is a short code, `reason` a sentence. */
type Fault = { cause: string; reason: string };

/**
 * Thrown when IN_A_ROW attachments fail one after another, each after all its attempts: the media
 * host is down.
 */
class MediaDown extends Error {}

/** Runs `work`, and meanwhile fetches the account’s attachments that are still missing. */
export async function beside(at: Run, work: () => Promise<void>) {
  const end = new AbortController();
  const loop = fetchUntil(at, end.signal);
  // Ignore an error of the loop that fetches attachments: either the same error also stops `work`, or the attachment
  // stage, which runs later, meets the error again and handles it.
  loop.catch(() => {});
  try {
    await work();
  } finally {
    end.abort();
    await Promise.allSettled([loop]);
  }
}

async function fetchUntil(at: Run, end: AbortSignal) {
  while (!end.aborted) {
    const batch = await waiting(at);
    if (batch.length > 0) await fetchBatch(at, batch, end);
    else await sleep(attachmentDelays.idle, undefined, { signal: end }).catch(() => {});
  }
}

/**
 * Runs the attachment stage of a migration: fetches all attachments that are still missing, and begins the next stage.
 */
export async function moveAttachments(at: Run) {
  await fetchWaiting(at);
  await advance(at, {
    from: 'attachments',
    reaches: null,
    change: sql`position = null, all_read = false`,
  });
}

/** Fetches all attachments that are waiting. If the media host is down, postpones the job. */
export async function fetchWaiting(at: Run) {
  const never = new AbortController().signal;
  try {
    for (let batch = await waiting(at); batch.length > 0; batch = await waiting(at)) {
      await fetchBatch(at, batch, never);
      await checkpoint(at);
    }
  } catch (error) {
    if (!(error instanceof MediaDown)) throw error;
    await waitForMedia(at, error);
  }
}

/**
 * Postpones the job because the media host is down. After ten such pauses, skips all attachments that are still
 * waiting, so that the migration run can complete.
 */
async function waitForMedia(at: Run, error: MediaDown) {
  const { media_pauses: pauses } = await checkpoint(at);
  if (pauses < PAUSES) {
    await run(
      at.here.sql,
      sql`update account_move
             set media_pauses = media_pauses + 1, error_code = 'media-down', error_message = ${error.message},
                 error_at = utc_timestamp(3)
           where ${own(at)}`,
    );
    throw new Postponed(error.message, attachmentDelays.pause);
  }
  const fault = { cause: 'media-down', reason: error.message };
  for (let batch = await waiting(at); batch.length > 0; batch = await waiting(at)) {
    for (const line of batch) await skip(at, line, fault);
    await checkpoint(at);
  }
}

const waiting = ({ here, account, run: number }: Run) =>
  select<WaitingAttachment>(
    here.sql,
    sql`select position, id, url, type from inbox_attachment
         where account_id = ${account} and state = 'waiting' and run = ${number}
         order by position desc limit ${BATCH}`,
  );

/**
 * Fetches a batch of attachments, and skips each attachment that cannot be read.
 * @throws MediaDown when IN_A_ROW attachments fail one after another. These attachments are not
 * skipped, because the media host itself is down
 */
async function fetchBatch(at: Run, batch: WaitingAttachment[], end: AbortSignal) {
  let row: { line: WaitingAttachment; fault: Fault }[] = [];
  // When one of the parallel fetches throws, stop the other fetches as well.
  const failed = new AbortController();
  const stop = AbortSignal.any([end, failed.signal]);
  const fetchLine = async (line: WaitingAttachment) => {
    await giveWay(at);
    if (stop.aborted) return;
    const fault = await fetchOne(at, line, stop);
    if (fault === 'ended' || stop.aborted) return;
    if (fault?.cause === 'media-failed') {
      row.push({ line, fault });
      if (row.length >= IN_A_ROW) throw new MediaDown(fault.reason);
      return;
    }
    const single = row;
    row = [];
    for (const one of single) await skip(at, one.line, one.fault);
    if (fault) await skip(at, line, fault);
  };
  const fetchOrStop = (line: WaitingAttachment) =>
    fetchLine(line).catch((error: unknown) => {
      failed.abort();
      throw error;
    });
  await pMap(batch, fetchOrStop, { concurrency: SIDE_BY_SIDE });
  for (const one of row) await skip(at, one.line, one.fault);
}

/**
 * Fetches, stores and records an attachment. Returns null on success, the reason if the attachment
 * must be skipped, or `ended` if the fetch was aborted.
 */
async function fetchOne(
  at: Run,
  line: WaitingAttachment,
  end: AbortSignal,
): Promise<Fault | 'ended' | null> {
  try {
    await storeAttachment(at, line, end);
    return null;
  } catch (error) {
    if (error instanceof RunStopped) throw error;
    if (end.aborted) return 'ended';
    if (error instanceof AttachmentMissing) return { cause: error.fault, reason: error.message };
    if (error instanceof FetchFailed) return { cause: 'media-failed', reason: error.message };
    throw error;
  }
}

async function storeAttachment(at: Run, line: WaitingAttachment, end: AbortSignal) {
  await failpoint('attachment begun');
  const stored = await fetchAndStore(at, line, end);
  await failpoint('attachment stored');
  await changeLine(at, line, {
    set: asStored(stored),
    count: sql`attachments = attachments + 1`,
  });
  await failpoint('attachment recorded');
}

async function skip(at: Run, line: WaitingAttachment, { cause, reason }: Fault) {
  const lost = { cursor: `${line.position} ${line.id}`, item: line, reason, cause };
  const letters = await withoutKnown(at, lettersOf(at, [lost], 'attachment'));
  await changeLine(at, line, {
    set: sql`state = 'skipped', reason = ${reason.slice(0, 500)}`,
    count: sql`skipped = skipped + 1`,
    also: (on) => recordLetters(on, at, letters),
  });
}

type Change = {
  set: Statement;
  count: Statement;
  also?: (on: PoolConnection) => Promise<void>;
};

/** Thrown when another worker has already changed the row of an attachment. */
class LineChanged extends Error {}

/**
 * Changes the row of a waiting attachment and the migration’s counts in one commit. Changes nothing if another worker
 * has already handled the attachment. Locks the row of the migration before the row of the attachment, as the parallel
 * writer of messages does, so that the two do not deadlock.
 */
const changeLine = (at: Run, { position, id }: WaitingAttachment, { set, count, also }: Change) =>
  transaction(at.here.sql, async (on) => {
    await changeMove(on, at, { set: count });
    const changed = await run(
      on,
      sql`update inbox_attachment set ${set}
           where account_id = ${at.account} and position = ${position} and id = ${id}
             and run = ${at.run} and state = 'waiting'`,
    );
    if (changed === 0) throw new LineChanged();
    await also?.(on);
  }).catch((error: unknown) => {
    if (!(error instanceof LineChanged)) throw error;
  });
