// Failpoints: named steps of a write. The debug log names each that was reached, and tests kill or pause the process
// there.
import { stepTraces } from './traces.ts';

export const failpoints: { reached: (name: string) => void | Promise<void> } = {
  reached: () => {},
};

export const failpoint = async (name: string): Promise<void> => {
  if (stepTraces.hasSubscribers) stepTraces.publish(name);
  return failpoints.reached(name);
};
