import { Unavailable } from '../problems.ts';

/**
 * Returns a function that runs at most `atOnce` calls of `act` at the same time, and lets at most `waiting` others
 * wait.
 * @throws Unavailable when no more may wait: the caller is asked to try again later
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
      // A call that ends passes its place on to the next waiting call, so that a new call cannot overtake it.
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
