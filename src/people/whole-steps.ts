import { setTimeout as sleep } from 'node:timers/promises';

/** Answers after a whole number of steps: small differences in how long the work took cannot be measured from outside. */
export async function inWholeSteps<T>(step: number, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    await sleep(step - ((performance.now() - start) % step));
  }
}
