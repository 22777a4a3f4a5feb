// The jobs that migrate accounts. One kind opens an inbox (migrates channels and recent messages, for which a person
// waits), one migrates the remaining records, and one does a whole run for an account of a wave (a set of accounts that
// are migrated in the background).
import { z } from 'zod';
import { first, run, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { Interrupted, Postponed } from '../jobs/interrupted.ts';
import { isPassing } from '../jobs/passing.ts';
import type { Job } from '../jobs/jobs.ts';
import { task, type Task, type Work } from '../jobs/task.ts';
import { fetchWaiting, moveAttachments } from './attachments.ts';
import { moveLast } from './final-check.ts';
import { inFront } from './giving-way.ts';
import { OPENING, REST, requestJob, WAVE } from './job-requests.ts';
import * as moves from './moves.ts';
import { openReader } from './open-reader.ts';
import { moveChannels, moveRecent } from './opening.ts';
import { SourceFailed } from './reader.ts';
import { moveRest } from './rest.ts';
import { retryLetter } from './retry-record.ts';
import { uncount } from './retries.ts';
import { checkpoint, current, own, RunFailed, RunStopped, type Run } from './run.ts';
import { isActive, type Stage } from './status.ts';

const input = z.object({ account: z.number(), run: z.number() });

/**
 * The result of a migration job: the account’s status at the end, and why the job stopped early;
 * null if it did not.
 */
type MoveReport = { status: string; stopped: string | null };

/** How long the older system may fail before the migration that reads from it fails, in milliseconds. */
const MOST_FAILING_MS = 60 * 60 * 1000;
/**
 * Shortest and longest delay between two attempts to read from the older system while it fails, in milliseconds. Tests
 * shorten them.
 */
export const sourceDelays = { first: 5000, longest: 5 * 60 * 1000 };

/** Runs the remaining stages of a migration run, until the run ends or another job has to continue it. */
async function runMove(work: Work, { account, run: number }: z.infer<typeof input>) {
  const { here } = work;
  const move = await moves.byAccount(here.sql, account);
  const isOwn = move?.run === number && move.job === work.job.id;
  const isLate = move?.migration_status === 'completed';
  if (!move || !isOwn || !(isActive(move) || isLate)) return outcome(here, account, 'superseded');
  const { external_id: externalId, location } = move;
  const at: Run = {
    here,
    work,
    account,
    externalId,
    run: number,
    location,
    reader: openReader(here, move),
  };
  try {
    await checkpoint(at);
    await moves.beginReading(here.sql, account, work.job.id);
    // After the migration run is completed, a job only fetches attachments of messages that were stored later, when
    // their dead letters were retried.
    await (isLate ? fetchWaiting(at) : inFront(at, () => runStages(at)));
    return await outcome(here, account, null);
  } catch (error) {
    if (isLate && !(error instanceof RunStopped)) throw error;
    return await whenStopped(at, error);
  } finally {
    at.reader.close();
  }
}

async function runStages(at: Run) {
  for (let move = await current(at); move.stage !== null && isActive(move);) {
    const requested: Job[] = [];
    await runStage(at, move.stage, requested);
    for (const job of requested) at.work.queue(job);
    if (requested.length > 0) return;
    move = await current(at);
  }
}

const runStage = (at: Run, stage: Stage, requested: Job[]): Promise<void> => {
  switch (stage) {
    case 'channels':
      return moveChannels(at);
    case 'recent':
      return moveRecent(at, async (on) => {
        const move = await moves.lock(on, at.account);
        const goesOn = move.part === 'whole' && move.wave_id === null;
        if (goesOn) requested.push(await requestJob(on, move, at.work.job.person));
      });
    case 'rest':
      return moveRest(at);
    case 'attachments':
      return moveAttachments(at);
    case 'final-check':
      return moveLast(at);
  }
};

async function outcome(
  { sql: on }: App,
  account: number,
  stopped: string | null,
): Promise<MoveReport> {
  const move = await moves.byAccount(on, account);
  return { status: move?.migration_status ?? '', stopped };
}

async function whenStopped(at: Run, error: unknown): Promise<MoveReport> {
  if (error instanceof RunStopped) return outcome(at.here, at.account, error.reason);
  if (error instanceof SourceFailed) return waitForSource(at, error);
  if (error instanceof RunFailed) return failRun(at, error.code, error.message);
  if (error instanceof Interrupted || isPassing(error)) throw error;
  await failRun(at, 'internal', reasonOf(error));
  throw error;
}

/**
 * Postpones the job while the older system, from which the job reads, fails. After an hour of failures, fails the run.
 * @throws Postponed during the first hour
 */
async function waitForSource(at: Run, { code, message }: SourceFailed): Promise<MoveReport> {
  await run(
    at.here.sql,
    sql`update account_move
           set failing_since = coalesce(failing_since, utc_timestamp(3)), error_code = ${code},
               error_message = ${message}, error_at = utc_timestamp(3)
         where ${own(at)}`,
  );
  const since = await failingMs(at);
  if (since >= MOST_FAILING_MS) return failRun(at, code, message);
  const delay = Math.min(sourceDelays.longest, Math.max(sourceDelays.first, since / 2));
  throw new Postponed(message, delay);
}

async function failingMs(at: Run): Promise<number> {
  const found = await first<{ failing: number | null }>(
    at.here.sql,
    sql`select timestampdiff(microsecond, failing_since, utc_timestamp(3)) div 1000 as failing
          from account_move where ${own(at)}`,
  );
  return found?.failing ?? 0;
}

/**
 * Marks the migration run as failed. Records that are already stored stay in Oneway, and a retry continues after them.
 */
const failRun = async (at: Run, code: string, message: string): Promise<MoveReport> => {
  await transaction(at.here.sql, (on) =>
    moves.fail(on, { account: at.account, code, message, only: own(at) }),
  );
  return outcome(at.here, at.account, 'failed');
};

const common = {
  attempts: 100,
  mayBeCancelled: true,
  hasOwnQueue: true,
  run: runMove,
  retryItem: retryLetter,
  whenDiscarded: uncount,
  showsItemsTo: 'read-inbox' as const,
};

/**
 * The kinds of migration jobs. Each kind has its own queue, so that a job for which a person waits never waits for the
 * jobs of a wave.
 */
export const moveTasks: Record<string, Task> = {
  [OPENING]: task(input, { ...common, label: 'Opening of an inbox', priority: 'high' }),
  [REST]: task(input, { ...common, label: 'Rest of an account’s migration' }),
  [WAVE]: task(input, {
    ...common,
    label: 'Migration of an account in a wave',
    priority: 'low',
    // While a wave job stores a page of messages, a job that opens an inbox, for which a person waits, is delayed. So
    // each process runs only one wave job at a time.
    sideBySide: 1,
  }),
};
