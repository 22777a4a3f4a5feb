// Does something in the middle of a write: at a failpoint, in the process of the tests.
import { failpoints } from '../../src/database/failpoints.ts';
import { afterEach } from './hooks.ts';

const usual = failpoints.reached;

/** Nothing happens at failpoints any more. */
export const passFailpoints = () => {
  failpoints.reached = usual;
};
afterEach(passFailpoints);

/** Does something once, when a failpoint is reached for the first time. */
export function onceAt(point: string, act: () => Promise<unknown>) {
  let isDone = false;
  failpoints.reached = async (name) => {
    if (name !== point || isDone) return;
    isDone = true;
    await act();
  };
}
