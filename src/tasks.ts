// Every background task: what it is called, how often it is tried, and what is done every few seconds.
import { z } from 'zod';
import type { Chores } from './jobs/queue.ts';
import { task, type Tasks } from './jobs/run.ts';
import { deliver } from './outbox/delivery.ts';
import { carryOn, refresh } from './promotion/background.ts';

export const tasks: Tasks = {
  'copy-down': task(z.object({ isLook: z.boolean() }), {
    ...{ label: 'Copy-down', attempts: 10, mayBeCancelled: true },
    run: refresh,
  }),
  transfer: task(z.object({ transfer: z.string() }), {
    ...{ label: 'Transfer', attempts: 20, mayBeCancelled: false },
    run: carryOn,
  }),
};

export const chores: Chores = {
  outbox: { everyMs: 2000, run: deliver },
};
