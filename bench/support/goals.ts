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

/** Adds one more measured value to the text of a goal in docs/measurements.md. */
export const besides = (goal: Goal, also: string): Goal => ({
  ...goal,
  measured: `${goal.measured}; ${also}`,
});

/** Marks a goal as measured when Oneway remembered nothing from an earlier run. */
export const cold = (goal: Goal): Goal => ({ ...goal, state: 'cold' });
export const warm = (goal: Goal): Goal => ({ ...goal, state: 'warm' });
