// The icon and the text with which pages show each state of a pipeline run.
import type { Run } from './runs.ts';

type Look = { icon: string; text: string };
export const looks: Record<Run['state'], Look> = {
  fetching: { icon: 'loader', text: 'Fetching pages' },
  inserting: { icon: 'loader', text: 'Inserting pages' },
  swapping: { icon: 'loader', text: 'Swapping tables' },
  completed: { icon: 'circle-check', text: 'Completed' },
  failed: { icon: 'circle-x', text: 'Failed' },
  superseded: { icon: 'circle-minus', text: 'Superseded' },
};
