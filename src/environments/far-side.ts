// Reads another environment for a page, within a deadline. After a failure, pages do not wait for that environment
// again until its servers answer a ping.
import { first, isFromAnother, sql } from '../database/sql.ts';
import { inTime, TooLate } from '../in-time.ts';
import { timeouts } from '../database/timeouts.ts';
import { isClosed, isUnwilling, unwillingness } from '../database/unwillingness.ts';
import type { Environment } from './environment.ts';
import { explainUnwilling, settingsOf, unreachable } from './unreachable.ts';

/**
 * The last failure of each other environment. The key is the environment’s MySQL connection pool, which lives as long
 * as the program.
 */
const failures = new WeakMap<object, { error: unknown; retry: NodeJS.Timeout }>();

type Log = { error(data: object, message: string): void };
type FarAnswer<T> =
  | { answer: T; trouble: null }
  /** The other environment did not answer; `trouble` says what is wrong with it, and what to do. */
  | { answer: null; trouble: string };

/**
 * Reads another environment for a page that can be shown without its data. An error in that
 * environment, or a deadline that passes, becomes a message for the page. After a failure the next
 * pages do not wait, and the servers are tried again in the background.
 * @throws errors of this environment’s own MySQL server
 */
export async function tryFarSide<T>(
  there: Environment,
  log: Log,
  ask: () => Promise<T>,
): Promise<FarAnswer<T>> {
  try {
    return { answer: await readInTime(there, ask), trouble: null };
  } catch (error) {
    if (isFromAnother(error, there.sql)) throw error;
    if (!isUnwilling(error)) log.error({ err: error }, 'the other environment could not be read');
    return { answer: null, trouble: troubleWith(there, error) };
  }
}

/**
 * Reads another environment for a page that cannot be shown without its data. Waits as long as that
 * environment’s servers answer pings.
 * @throws Unavailable within four seconds when the servers do not answer
 */
export async function askFarSide<T>(there: Environment, ask: () => Promise<T>): Promise<T> {
  try {
    if (failures.has(there.sql)) await probe(there);
    const asked = ask();
    return await inTime(timeouts.page, asked).catch(async (error: unknown) => {
      if (!(error instanceof TooLate)) throw error;
      await probe(there, timeouts.patientProbe);
      return asked;
    });
  } catch (error) {
    throw unreachable(error, there);
  }
}

async function readInTime<T>(there: Environment, ask: () => Promise<T>): Promise<T> {
  const failure = failures.get(there.sql);
  if (failure) throw failure.error;
  try {
    return await inTime(timeouts.page, ask());
  } catch (error) {
    if (isUnwilling(error) && !isFromAnother(error, there.sql)) {
      remember(there, error);
      // Pings the servers at once. If they answer, only one statement failed, or a single database permission is
      // missing, so the failure is forgotten.
      tryAgain(there);
    }
    throw error;
  }
}

function remember(there: Environment, error: unknown) {
  clearTimeout(failures.get(there.sql)?.retry);
  const retry = setTimeout(tryAgain, timeouts.memory, there).unref();
  failures.set(there.sql, { error, retry });
}

function forget({ sql: pool }: Environment) {
  clearTimeout(failures.get(pool)?.retry);
  failures.delete(pool);
}

/** Pings the other environment’s servers in the background; the caller does not wait. */
function tryAgain(there: Environment) {
  probe(there).catch((error: unknown) => {
    // The program is shutting down and has closed its connections, so it must not try again.
    if (isClosed(error)) forget(there);
  });
}

/**
 * Pings both servers of another environment. Forgets its last failure when both answer, and
 * remembers a failure when one of them does not.
 */
async function probe(there: Environment, patience = timeouts.probe) {
  const answers = Promise.all([
    first(there.sql, sql`select 1`),
    there.documents.command({ ping: 1 }),
  ]);
  try {
    await inTime(patience, answers);
    forget(there);
  } catch (error) {
    // After a timeout, the previous failure is kept, because it says more about the cause.
    const known = error instanceof TooLate ? failures.get(there.sql)?.error : undefined;
    remember(there, known ?? error);
    throw error;
  }
}

function troubleWith(there: Environment, error: unknown): string {
  const { label } = there.rules;
  const kind = unwillingness(error);
  if (error instanceof TooLate) return `${label} does not answer in time.`;
  if (kind === 'away') return `${label} is not reachable.`;
  return kind === null
    ? `${label} could not be read. The log of this environment says why.`
    : explainUnwilling(kind, label, settingsOf(there));
}
