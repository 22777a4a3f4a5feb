// Remembers the last result of a query that counts many rows. A page shows this result with its time, and waits only
// briefly for a newer result.
import { inTime } from '../in-time.ts';
import { TTL_MS, writesSoFar } from './cached-for.ts';
import type { Queryable } from './sql.ts';
import { timeouts } from './timeouts.ts';

/** A result, and when it was read, in milliseconds since 1970. */
export type LastKnown<T> = { answer: T; at: number };

type Remembered = {
  known: LastKnown<unknown> | null;
  writes: number;
  tookMs: number;
  asking: Promise<void> | null;
};

const remembered = new WeakMap<Queryable, Map<string, Remembered>>();

/**
 * A slow query is repeated only after this many times its duration, so that the query runs for at most 5% of the time.
 */
const PAUSE = 20;

/**
 * Returns the last result of a query, or null if the query has not returned a result yet. The query is repeated if the
 * result is older than five seconds, or if this process has since written the sync state of rows (what is known of each
 * row here and at its destination). The caller waits at most `patience` milliseconds for the new result.
 * @param question identifies the query and all its parameters
 */
export async function lastKnown<T>(
  on: Queryable,
  question: string,
  patience: number,
  ask: () => Promise<T>,
): Promise<LastKnown<T> | null> {
  const one = rememberedOf(on, question);
  if (!isFresh(one)) {
    one.asking ??= askAgain(one, ask);
    // An error of the query is ignored: the page then shows the last result, with its time.
    await inTime(patience, one.asking).catch(() => {});
  }
  return one.known as LastKnown<T> | null;
}

/** Forgets the last result of a query, because the caller changed what it counts. */
export const forgetLastKnown = (on: Queryable, question: string) =>
  void remembered.get(on)?.delete(question);

function rememberedOf(on: Queryable, question: string): Remembered {
  const all = remembered.get(on) ?? new Map<string, Remembered>();
  remembered.set(on, all);
  const one = all.get(question) ?? { known: null, writes: 0, tookMs: 0, asking: null };
  all.set(question, one);
  return one;
}

function isFresh({ known, writes, tookMs }: Remembered): boolean {
  if (!known) return false;
  const age = Date.now() - known.at;
  if (tookMs > timeouts.slowCount && age < tookMs * PAUSE) return true;
  return writes === writesSoFar() && age < TTL_MS;
}

async function askAgain(one: Remembered, ask: () => Promise<unknown>) {
  const [begun, writes] = [performance.now(), writesSoFar()];
  try {
    const answer = await ask();
    one.tookMs = performance.now() - begun;
    one.known = { answer, at: Date.now() };
    one.writes = writes;
  } finally {
    one.asking = null;
  }
}
