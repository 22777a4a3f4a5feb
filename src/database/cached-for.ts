// Caches results of queries over whole tables for five seconds, or until this process writes the sync state of rows
// (what is known of each row here and at its destination). Simultaneous callers share one query.
import type { Queryable } from './sql.ts';

/** How many milliseconds a result stays cached. */
export const TTL_MS = 5000;

type Cached = { answer: Promise<unknown>; until: number; writes: number };
const cache = new WeakMap<Queryable, Map<string, Cached>>();

let writes = 0;

/** How many times this process has emptied the cache. */
export const writesSoFar = () => writes;

/**
 * Empties the cache. All code that writes test results, or the sync state of rows (what is known of each row here and
 * at its destination), calls this function, so that this process shows no outdated results.
 */
export const forgetCached = () => {
  writes += 1;
};

/**
 * Returns the result of a query, from the cache if possible. `question` is the cache key, so it
 * must identify the query and all its parameters.
 */
export function cachedFor<T>(on: Queryable, question: string, ask: () => Promise<T>): Promise<T> {
  const answers = cache.get(on) ?? new Map<string, Cached>();
  cache.set(on, answers);
  const known = answers.get(question);
  if (known && known.writes === writes && Date.now() < known.until) {
    return known.answer as Promise<T>;
  }
  const answer = ask();
  answers.set(question, { answer, until: Date.now() + TTL_MS, writes });
  // A failed query is removed from the cache, so that the next caller tries again.
  answer.catch(() => answers.delete(question));
  return answer;
}
