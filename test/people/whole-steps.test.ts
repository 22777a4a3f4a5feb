import { expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { inWholeSteps } from '../../src/people/whole-steps.ts';

const timed = async (work: () => Promise<unknown>) => {
  const start = performance.now();
  await inWholeSteps(400, work).catch(() => {});
  return performance.now() - start;
};

test.each([
  ['at once', () => Promise.resolve(true), 1],
  ['a little later', () => sleep(40), 1],
  ['with an error', () => Promise.reject(new Error('wrong')), 1],
  ['in the next step', () => sleep(450), 2],
])(
  'a password check that is done %s answers at the end of its time step, so that the timing reveals nothing (C12)',
  async (_when, work, steps) => {
    const time = await timed(work);
    expect(time).toBeGreaterThanOrEqual(400 * steps - 2);
    expect(time).toBeLessThan(400 * (steps + 1));
  },
);
