import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/** The error when there was no answer before the deadline. The answer may still come later. */
export class TooLate extends Error {
  readonly code = 'STATEMENT_TIMEOUT';
}

/**
 * Returns the result of `asked` if it comes within the given milliseconds. The call goes on afterwards, and its late
 * failure is ignored.
 * @throws TooLate when it does not
 */
export async function inTime<T>(milliseconds: number, asked: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const silence = sleep(milliseconds, undefined, { signal: stop.signal }).then(async () => {
    // In a busy process the answer may have arrived already without having been read, so other events are handled once
    // more before the deadline counts.
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
