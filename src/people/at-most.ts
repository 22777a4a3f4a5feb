import { Unavailable } from '../problems.ts';

/**
 * Runs a limited number of calls at once and queues a limited number of others; further callers are asked to try
 * again later.
 * @throws Unavailable when the queue is full
 */
export function atMost<In extends unknown[], Out>(
  { atOnce, waiting }: { atOnce: number; waiting: number },
  act: (...given: In) => Promise<Out>,
): (...given: In) => Promise<Out> {
  let running = 0;
  const line: (() => void)[] = [];
  return async (...given) => {
    if (running >= atOnce) {
      if (line.length >= waiting) {
        throw new Unavailable('Many people sign in right now. Wait a moment and try again.');
      }
      // A finished call hands its place to the next in the queue, so that newcomers cannot overtake.
      await new Promise<void>((resolve) => line.push(resolve));
    } else running += 1;
    try {
      return await act(...given);
    } finally {
      const next = line.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
