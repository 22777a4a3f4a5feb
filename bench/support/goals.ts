import { times, type Goal } from './results.ts';

export const atLeast = (goal: string, ratio: number, measured: number): Goal => ({
  goal: `${goal} at least ${ratio} times`,
  measured: `${times(measured)} times`,
  isMet: measured >= ratio,
});

export const within = (goal: string, ratio: number, measured: number): Goal => ({
  goal: `${goal} within ${ratio} times`,
  measured: `${times(measured)} times`,
  isMet: measured <= ratio,
});

/** Adds one more measured value to the result of a performance goal, as docs/measurements.md shows it. */
export const besides = (goal: Goal, also: string): Goal => ({
  ...goal,
  measured: `${goal.measured}; ${also}`,
});

/** Marks the result of a performance goal as measured while Oneway had nothing cached from an earlier run. */
export const cold = (goal: Goal): Goal => ({ ...goal, state: 'cold' });
export const warm = (goal: Goal): Goal => ({ ...goal, state: 'warm' });
