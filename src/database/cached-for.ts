// Answers for which all rows are looked at: asked once for many who ask at the same time, and kept for five
// seconds, or until this process writes what they are told from.
import { statements, type Queryable, type Statement } from './sql.ts';

/** Milliseconds. */
export const KEPT = 5000;

type Kept = { answer: Promise<unknown>; until: number; writes: number };
const kept = new WeakMap<Queryable, Map<string, Kept>>();

let writes = 0;
const isWrite = /^\s*(insert into|update|delete from)\s+(row_state|stop_state)\b/i;
statements.subscribe((statement) => {
  if (isWrite.test((statement as Statement).text)) writes += 1;
});

/** `question` names what is asked, with everything that its answer depends on. */
export function lately<T>(on: Queryable, question: string, ask: () => Promise<T>): Promise<T> {
  const answers = kept.get(on) ?? new Map<string, Kept>();
  kept.set(on, answers);
  const known = answers.get(question);
  if (known && known.writes === writes && Date.now() < known.until) {
    return known.answer as Promise<T>;
  }
  const answer = ask();
  answers.set(question, { answer, until: Date.now() + KEPT, writes });
  // A question that failed is asked again by the next.
  answer.catch(() => answers.delete(question));
  return answer;
}
