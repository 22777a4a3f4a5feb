import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/**
 * Thrown when a call has not answered before its deadline. The call is not cancelled, so its answer
 * may still arrive later.
 */
export class TooLate extends Error {
  readonly code = 'STATEMENT_TIMEOUT';
}

/**
 * Waits at most the given milliseconds for the promise `asked`. After the deadline the call behind
 * `asked` goes on, and a late failure of that call is ignored.
 * @throws TooLate when `asked` has not settled before the deadline
 */
export async function inTime<T>(milliseconds: number, asked: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const silence = sleep(milliseconds, undefined, { signal: stop.signal }).then(async () => {
    // In a busy process, the answer may have arrived already and wait to be read. One more turn of
    // the event loop reads such an answer before the deadline counts.
    await turn();
    throw new TooLate('No answer in time');
  });
  silence.catch(() => {});
  asked.catch(() => {});
  try {
    return await Promise.race([asked, silence]);
  } finally {
    stop.abort();
  }
}
