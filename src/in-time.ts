import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/** No answer before the deadline; whether it still comes is not known. */
export class TooLate extends Error {
  readonly code = 'STATEMENT_TIMEOUT';
}

/**
 * What `asked` answers within so many milliseconds. It goes on afterwards: its late failure is nobody's to catch.
 * @throws TooLate
 */
export async function inTime<T>(milliseconds: number, asked: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const silence = sleep(milliseconds, undefined, { signal: stop.signal }).then(async () => {
    // In a busy process, an answer may have come and wait to be read.
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
