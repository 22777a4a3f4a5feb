// Answers that read every row, cached for five seconds or until this process writes the sync state.
// Concurrent callers share one query.
import type { Queryable } from './sql.ts';

/** Milliseconds. */
export const TTL_MS = 5000;

type Cached = { answer: Promise<unknown>; until: number; writes: number };
const cache = new WeakMap<Queryable, Map<string, Cached>>();

let writes = 0;

/** Writers of the sync state call this, so that this process does not answer from an old cache. */
export const forgetCached = () => {
  writes += 1;
};

/** `question` is the cache key: it names the query and everything its answer depends on. */
export function cachedFor<T>(on: Queryable, question: string, ask: () => Promise<T>): Promise<T> {
  const answers = cache.get(on) ?? new Map<string, Cached>();
  cache.set(on, answers);
  const known = answers.get(question);
  if (known && known.writes === writes && Date.now() < known.until) {
    return known.answer as Promise<T>;
  }
  const answer = ask();
  answers.set(question, { answer, until: Date.now() + TTL_MS, writes });
  // A failed query is not cached.
  answer.catch(() => answers.delete(question));
  return answer;
}
