// Pings the databases of this environment, to find out whether they answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { first, sql } from '../database/sql.ts';
import { unwillingness } from '../database/unwillingness.ts';
import { inTime } from '../in-time.ts';
import type { App } from './app.ts';

export type OwnDatabase = 'MySQL' | 'MongoDB';
/**
 * Which of the two databases took longer to answer a ping, and for how many milliseconds; Infinity when it did not
 * answer.
 */
type SlowerAnswer = { server: OwnDatabase; milliseconds: number };

/** The running ping of each environment, which simultaneous callers share. */
const asked = new WeakMap<object, Promise<SlowerAnswer>>();

/**
 * Pings both databases. A database that does not answer within `patience` milliseconds counts as
 * silent.
 */
export function askDatabases(here: App, patience: number): Promise<SlowerAnswer> {
  const known = asked.get(here.sql);
  if (known) return known;
  const answer = askBoth(here, patience).finally(() => asked.delete(here.sql));
  asked.set(here.sql, answer);
  return answer;
}

async function askBoth(
  { sql: readers, writers, documents }: App,
  patience: number,
): Promise<SlowerAnswer> {
  const begun = performance.now();
  const over = new AbortController();
  const answerOf = (ask: () => Promise<unknown>) => untilAnswered(ask, over.signal);
  const timed = (asking: Promise<unknown>) =>
    inTime(patience, asking).then(
      () => performance.now() - begun,
      () => Infinity,
    );
  const [mysql, mongo] = await Promise.all([
    // MySQL is pinged over the pool of the readers and the pool of the writers, because one of them may be busy with
    // long statements.
    timed(
      Promise.race([readers, writers].map((pool) => answerOf(() => first(pool, sql`select 1`)))),
    ),
    timed(answerOf(() => documents.command({ ping: 1 }))),
  ]);
  over.abort();
  return mysql >= mongo
    ? { server: 'MySQL', milliseconds: mysql }
    : { server: 'MongoDB', milliseconds: mongo };
}

const AGAIN_MS = 100;

/**
 * Resolves when a database has answered. A refusal counts as an answer; a failed connection does
 * not and is tried again.
 */
async function untilAnswered(ask: () => Promise<unknown>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const error: unknown = await ask().then(
      () => null,
      (failure: unknown) => failure,
    );
    if (unwillingness(error) !== 'away') return;
    await sleep(AGAIN_MS);
  }
}
