// While a person waits for an inbox to open, other migration runs in the same process pause for a moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { OPENING } from './job-requests.ts';
import type { Run } from './run.ts';

/**
 * How long a migration run pauses at most before each step, so that it makes progress however many inboxes are being
 * opened.
 */
const MOST_MS = 500;

const openings = new Set<Promise<void>>();

const isOpening = ({ work }: Pick<Run, 'work'>) => work.job.kind === OPENING;

/** Runs the work of a job. While a job opens an inbox, the other runs in this process pause. */
export async function inFront<T>(at: Pick<Run, 'work'>, work: () => Promise<T>): Promise<T> {
  if (!isOpening(at)) return work();
  const { promise, resolve } = Promise.withResolvers<void>();
  openings.add(promise);
  try {
    return await work();
  } finally {
    openings.delete(promise);
    resolve();
  }
}

/** Pauses while inboxes are being opened in this process, but for at most MOST_MS. */
export async function giveWay(at: Pick<Run, 'work'>) {
  if (openings.size === 0 || isOpening(at)) return;
  const end = new AbortController();
  const longest = sleep(MOST_MS, undefined, { signal: end.signal }).catch(() => {});
  await Promise.race([Promise.all(openings), longest]);
  end.abort();
}
