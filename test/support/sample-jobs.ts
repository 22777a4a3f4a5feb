// Sample data for tests of the job pages: a failed job with steps, log lines, a child job and a dead letter.
import { z } from 'zod';
import type { App } from '../../src/environments/app.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { recordSchedules } from '../../src/jobs/schedules.ts';
import { task, type Tasks } from '../../src/jobs/task.ts';
import { schedules } from '../../src/tasks.ts';

const failing: Tasks = {
  comparison: task(z.object({}), {
    label: 'Comparison',
    attempts: 3,
    mayBeCancelled: true,
    run: async ({ here, step, log, report, children, deadLetter }) => {
      await report({ done: 120, total: 480, doing: 'Read forms' });
      await step('Compare businesses', () => log('Business 17 has no counterpart'));
      await deadLetter({
        key: 'form 1000000007',
        reason: 'The document is larger than 16 MB and cannot be compared',
        payload: { entity: 'form', id: 1_000_000_007 },
      });
      await children.request(here.sql, [
        { key: 'forms', kind: 'comparison', name: 'Comparison of forms', input: {} },
      ]);
      await step('Compare tasks', () => Promise.reject(new Error('The disk is full')));
    },
  }),
};

/** Creates the sample jobs and schedules, and returns the number of the failed job. */
export async function fillJobs(here: App): Promise<number> {
  await recordSchedules(here, await schedules(here));
  const { job } = await jobs.request(here.sql, {
    kind: 'comparison',
    name: 'Comparison of everything with the destination',
    person: 'pm@example.com',
    input: { isFull: true },
  });
  await runJob(here, failing, job.id);
  return job.number;
}
