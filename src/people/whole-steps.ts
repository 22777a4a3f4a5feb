import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Delays an answer until the next multiple of a time step in milliseconds, so that nobody can measure small
 * differences from outside.
 */
export async function inWholeSteps<T>(step: number, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    await sleep(step - ((performance.now() - start) % step));
  }
}
