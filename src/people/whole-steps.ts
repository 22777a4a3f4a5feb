import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Delays an answer until the next multiple of `step` milliseconds, so that nobody can measure from
 * outside how long the work took.
 */
export async function inWholeSteps<T>(step: number, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    await sleep(step - ((performance.now() - start) % step));
  }
}
