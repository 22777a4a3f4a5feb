// Runs a function of a test in the middle of a write, when this process reaches a failpoint (a named step of the
// write).
import { failpoints } from '../../src/database/failpoints.ts';

const usual = failpoints.reached;

/** Removes the function that runs at a failpoint. */
export const passFailpoints = () => {
  failpoints.reached = usual;
};

/** Runs `act` once, when this process reaches the failpoint `point` for the first time. */
export function onceAt(point: string, act: () => Promise<unknown>) {
  let isDone = false;
  failpoints.reached = async (name) => {
    if (name !== point || isDone) return;
    isDone = true;
    await act();
  };
}
