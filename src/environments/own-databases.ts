// Checks with a ping whether the databases of this environment answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { first, sql } from '../database/sql.ts';
import { unwillingness } from '../database/unwillingness.ts';
import { inTime } from '../in-time.ts';
import type { App } from './app.ts';

export type OwnDatabase = 'MySQL' | 'MongoDB';
/** The database that took longer to answer a ping, and how many milliseconds: Infinity when it was silent. */
type SlowerAnswer = { server: OwnDatabase; milliseconds: number };

/** The ping that is running for each environment; callers at the same time share it. */
const asked = new WeakMap<object, Promise<SlowerAnswer>>();

/** Pings both databases. `patience`: after how many milliseconds one counts as silent. */
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
    // Pings over several connections, because one pool may be busy with long statements.
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

/** Resolves when a database has answered. One that refuses has answered, too; one whose connection fails has not. */
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
