import { setTimeout as sleep } from 'node:timers/promises';

/** Delays answers to a multiple of a time step, so that small timing differences cannot be measured from outside. */
export async function inWholeSteps<T>(step: number, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    await sleep(step - ((performance.now() - start) % step));
  }
}
