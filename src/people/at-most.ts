import { Unavailable } from '../problems.ts';

/**
 * Returns a function that runs at most `atOnce` calls of `act` at the same time. At most `waiting`
 * further calls wait.
 * @throws Unavailable when no further call may wait; the message asks the user to try again later
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
      // A call that ends hands over to the next waiting call directly, so that a new call cannot
      // overtake waiting ones.
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
