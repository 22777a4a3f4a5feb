import { Unavailable } from '../problems.ts';

/**
 * Runs so many at once and lets so many more wait; the others are told to come again.
 * @throws Unavailable when too many wait
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
      // Whoever ends hands its place on, so nobody overtakes.
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
