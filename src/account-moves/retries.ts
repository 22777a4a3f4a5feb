// Retries and discards dead letters (records that failed for good) of account migrations, one or many at a time.
import { run, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as deadLetters from '../jobs/dead-letters.ts';
import type { Job } from '../jobs/jobs.ts';
import { undecidedOnes, type LetterFilter } from '../jobs/open-letters.ts';
import { Conflict, Invalid } from '../problems.ts';
import { moveKinds } from './job-requests.ts';
import type { LetterPayload } from './letters.ts';

type Wanted = { account?: string; cause?: string; ids?: number[]; person: string };

const filterOf = ({ account, cause, ids }: Wanted): LetterFilter => ({
  kinds: moveKinds,
  subject: account ?? null,
  cause: cause ?? null,
  ids: ids ?? null,
});

/**
 * The result of retrying or discarding dead letters. `count`: how many were handled. `passed`: how many were skipped,
 * because a job is retrying them or has already resolved them. `left`: how many remain, because one request handles a
 * limited number.
 */
export type Handled = { count: number; passed: number; left: number };

/**
 * Retries open dead letters, selected by id, account or cause. `push` queues each job at once, so
 * that the jobs already requested run even if a later request fails.
 */
export async function retryLetters(
  here: App,
  wanted: Wanted,
  push: (job: Job) => Promise<void> = async () => {},
): Promise<Handled & { jobs: Job[] }> {
  const jobs: Job[] = [];
  const handled = await handleEach(here, wanted, async (id) => {
    // Use low priority, because nobody waits for these retries and transfers use the same queue.
    const job = await deadLetters.retry(here, id, wanted.person, 'low');
    jobs.push(job);
    await push(job);
  });
  return { ...handled, jobs };
}

/**
 * Discards open dead letters with a reason. Discarded dead letters no longer count as failed
 * records.
 */
export async function discardLetters(
  here: App,
  { reason, ...wanted }: Wanted & { reason: string },
): Promise<Handled> {
  if (reason.trim() === '') throw new Invalid({ reason: 'Enter why they are discarded' });
  return handleEach(here, wanted, (id) =>
    deadLetters.discard(here, id, {
      person: wanted.person,
      note: reason.trim(),
      also: uncount,
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

/**
 * Lowers the migration’s count of failed records when one of its dead letters is discarded.
 * Attachments are counted separately.
 */
export async function uncount(on: Queryable, payload: unknown) {
  const { what, account, run: number } = payload as LetterPayload;
  if (what === 'attachment') return;
  await run(
    on,
    sql`update account_move set failed = failed - 1
         where account_id = ${account} and run = ${number} and failed > 0`,
  );
}
