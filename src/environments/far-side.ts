// Reads another environment for a page, within a deadline; after a failure its servers are not tried again at once.
import { first, isFromAnother, sql } from '../database/sql.ts';
import { inTime, TooLate } from '../in-time.ts';
import { timeouts } from '../database/timeouts.ts';
import { isClosed, isUnwilling, unwillingness } from '../database/unwillingness.ts';
import type { Environment } from './environment.ts';
import { explainUnwilling, settingsOf, unreachable } from './unreachable.ts';

/** The last failure of each other environment, by its connection pool, which lives as long as the program. */
const failures = new WeakMap<object, { error: unknown; retry: NodeJS.Timeout }>();

type Log = { error(data: object, message: string): void };
type FarAnswer<T> =
  | { answer: T; trouble: null }
  /** No answer: what is wrong with the other environment, and what to do. */
  | { answer: null; trouble: string };

/**
 * Reads another environment for a page that can be shown without it: within the deadline, whatever error occurs
 * there. After a failure the next pages do not wait, and the servers are tried again in the background.
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
 * Reads another environment for a page that has nothing to show without it, for as long as its servers answer pings.
 * @throws Unavailable within four seconds when they do not
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
      // The servers are tried before the failure is remembered, because it may concern only one statement or one right.
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

/** Tries the servers again in the background; the caller does not wait. */
function tryAgain(there: Environment) {
  probe(there).catch((error: unknown) => {
    // The program is shutting down, so its connections are closed.
    if (isClosed(error)) forget(there);
  });
}

/** Forgets a failure when both servers answer; remembers it when one does not. */
async function probe(there: Environment, patience = timeouts.probe) {
  const answers = Promise.all([
    first(there.sql, sql`select 1`),
    there.documents.command({ ping: 1 }),
  ]);
  try {
    await inTime(patience, answers);
    forget(there);
  } catch (error) {
    // The failure before a timeout says more about the cause, so it is kept.
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
