// Runs give way: while a person waits for the opening of an inbox, the other runs of the process stand still for a moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { OPENING } from './job-requests.ts';
import type { Run } from './run.ts';

/** How long a run waits at most before each of its steps, so that it goes on however many persons come. */
const MOST_MS = 500;

const openings = new Set<Promise<void>>();

const isOpening = ({ work }: Pick<Run, 'work'>) => work.job.kind === OPENING;

/** Does the work of a job; if it is an opening, the other runs of this process give way until it ends. */
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

/** Waits while inboxes are opened in this process, but not for long. */
export async function giveWay(at: Pick<Run, 'work'>) {
  if (openings.size === 0 || isOpening(at)) return;
  const end = new AbortController();
  const longest = sleep(MOST_MS, undefined, { signal: end.signal }).catch(() => {});
  await Promise.race([Promise.all(openings), longest]);
  end.abort();
}
