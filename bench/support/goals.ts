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

/** A goal of docs/measurements.md with the values measured for it, and one more value. */
export const besides = (goal: Goal, also: string): Goal => ({
  ...goal,
  measured: `${goal.measured}; ${also}`,
});

/** Marks a goal as measured without anything remembered from an earlier run. */
export const cold = (goal: Goal): Goal => ({ ...goal, state: 'cold' });
export const warm = (goal: Goal): Goal => ({ ...goal, state: 'warm' });
