import type { Ground } from './support/ground.ts';
import type { Found } from './support/results.ts';
import { compare } from './compare.ts';
import { copyDownBench } from './copy-down.ts';

/** Every bench by its name, in the order of the table. */
export const benches: Record<string, (ground: Ground) => Promise<Found>> = {
  'copy-down': copyDownBench,
  compare,
};
