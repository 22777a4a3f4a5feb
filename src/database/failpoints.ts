// Failpoints are named steps of a write. The debug log names each failpoint that a write reaches, and tests kill or
// pause the process at a failpoint.
import { stepTraces } from './traces.ts';

export const failpoints: { reached: (name: string) => void | Promise<void> } = {
  reached: () => {},
};

export const failpoint = async (name: string): Promise<void> => {
  if (stepTraces.hasSubscribers) stepTraces.publish(name);
  return failpoints.reached(name);
};
