// While a job opens an inbox (migrates the channels and recent messages of an account, for which a person waits), the
// other migration runs in the same process pause for a moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { OPENING } from './job-requests.ts';
import type { Run } from './run.ts';

/**
 * How long a migration run pauses at most before each page of messages or batch of attachments. The limit lets the run
 * make progress, however many inboxes are being opened.
 */
const MOST_MS = 500;

const openings = new Set<Promise<void>>();

const isOpening = ({ work }: Pick<Run, 'work'>) => work.job.kind === OPENING;

/**
 * Runs the work of a migration job. If the job opens an inbox, for which a person waits, the other migration runs in
 * this process pause meanwhile.
 */
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

/** Pauses while another job in this process opens an inbox, for which a person waits, but for at most MOST_MS. */
export async function giveWay(at: Pick<Run, 'work'>) {
  if (openings.size === 0 || isOpening(at)) return;
  const end = new AbortController();
  const longest = sleep(MOST_MS, undefined, { signal: end.signal }).catch(() => {});
  await Promise.race([Promise.all(openings), longest]);
  end.abort();
}
