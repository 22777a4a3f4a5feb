// Answers for which all rows are looked at: asked once for many who ask at the same time, and kept for five
// seconds, or until this process writes what they are told from.
import type { Queryable } from './sql.ts';

/** Milliseconds. */
export const TTL_MS = 5000;

type Cached = { answer: Promise<unknown>; until: number; writes: number };
const cache = new WeakMap<Queryable, Map<string, Cached>>();

let writes = 0;

/** Called by whoever writes what a cached answer is made from: this process asks again from then on. */
export const forgetCached = () => {
  writes += 1;
};

/** `question` names what is asked, with everything that its answer depends on. */
export function cachedFor<T>(on: Queryable, question: string, ask: () => Promise<T>): Promise<T> {
  const answers = cache.get(on) ?? new Map<string, Cached>();
  cache.set(on, answers);
  const known = answers.get(question);
  if (known && known.writes === writes && Date.now() < known.until) {
    return known.answer as Promise<T>;
  }
  const answer = ask();
  answers.set(question, { answer, until: Date.now() + TTL_MS, writes });
  // A question that failed is asked again by the next.
  answer.catch(() => answers.delete(question));
  return answer;
}
