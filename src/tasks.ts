// Every background task: what it is called and how often it is tried; and what is done every few seconds.
import { z } from 'zod';
import type { Chore } from './jobs/chores.ts';
import * as jobs from './jobs/jobs.ts';
import { sweep, type Line } from './jobs/queue.ts';
import { task, type Tasks } from './jobs/run.ts';
import { deliver } from './outbox/delivery.ts';
import * as messages from './messages/messages.ts';
import * as outbox from './outbox/outbox.ts';
import { compareAll } from './pictures/comparison.ts';
import { carryOn, refresh } from './promotion/background.ts';
import * as selections from './promotion/selections.ts';
import { sweepDaily } from './storage/sweep.ts';

export const tasks: Tasks = {
  'copy-down': task(z.object({ isLook: z.boolean() }), {
    ...{ label: 'Copy-down', attempts: 100, mayBeCancelled: true },
    run: refresh,
  }),
  comparison: task(z.object({ isAnew: z.boolean().default(false) }), {
    ...{ label: 'Comparison', attempts: 20, mayBeCancelled: true },
    run: compareAll,
  }),
  transfer: task(z.object({ transfer: z.string() }), {
    ...{ label: 'Transfer', attempts: 20, mayBeCancelled: false },
    run: carryOn,
  }),
};

const HOUR = 60 * 60 * 1000;

/** What every process does beside jobs. */
export const chores = (line: Line): Chore[] => [
  { name: 'sweep of jobs', everyMs: 5000, run: (here) => sweep(here, line) },
  { name: 'outbox', everyMs: 2000, run: deliver },
  { name: 'tidying of jobs', everyMs: HOUR, run: jobs.tidy },
  { name: 'tidying of selections', everyMs: HOUR, run: selections.tidy },
  { name: 'tidying of messages', everyMs: HOUR, run: messages.tidy },
  { name: 'tidying of the outbox', everyMs: HOUR, run: outbox.tidy },
  { name: 'sweep of storage', everyMs: HOUR, run: sweepDaily },
];
