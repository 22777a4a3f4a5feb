// Every background task with its label and attempts, and the chores of every process.
import { z } from 'zod';
import type { Chore } from './jobs/chores.ts';
import * as jobs from './jobs/jobs.ts';
import { sweep, type JobQueue } from './jobs/queue.ts';
import { task, type Tasks } from './jobs/run.ts';
import * as inApp from './messages/channels/in-app.ts';
import { deliver } from './messages/delivery.ts';
import * as outbox from './messages/outbox.ts';
import { compareAll } from './comparison/job.ts';
import { runTransferJob } from './transfers/job.ts';
import * as selections from './sheet/selections.ts';
import { sweepDaily } from './storage/sweep.ts';
import { runRefreshJob } from './refresh/job.ts';

export const tasks: Tasks = {
  refresh: task(z.object({ dryRun: z.boolean() }), {
    label: 'Refresh',
    attempts: 100,
    mayBeCancelled: true,
    run: runRefreshJob,
  }),
  comparison: task(z.object({ isFull: z.boolean().default(false) }), {
    label: 'Comparison',
    attempts: 20,
    mayBeCancelled: true,
    run: compareAll,
  }),
  transfer: task(z.object({ transfer: z.string() }), {
    label: 'Transfer',
    attempts: 20,
    mayBeCancelled: false,
    run: runTransferJob,
  }),
};

const HOUR = 60 * 60 * 1000;

/** What every process repeats beside jobs. */
export const chores = (line: JobQueue): Chore[] => [
  { name: 'sweep of jobs', everyMs: 5000, run: (here) => sweep(here, line) },
  { name: 'outbox', everyMs: 2000, run: deliver },
  { name: 'purge of expired jobs', everyMs: HOUR, run: jobs.purgeExpired },
  { name: 'purge of expired selections', everyMs: HOUR, run: selections.purgeExpired },
  { name: 'purge of expired messages', everyMs: HOUR, run: inApp.purgeExpired },
  { name: 'sweep of storage', everyMs: HOUR, run: sweepDaily },
  { name: 'purge of the outbox', everyMs: HOUR, run: outbox.purgeExpired },
];
