// Defines kinds of jobs for tests that kill the worker process while a job runs.
import { z } from 'zod';
import { task, type Tasks } from '../../src/jobs/task.ts';
import { failpoint } from '../../src/database/failpoints.ts';

export const jobTasks: Tasks = {
  steps: task(z.object({}), {
    label: 'Two steps',
    attempts: 3,
    mayBeCancelled: true,
    mayBeRetried: true,
    run: async ({ step, log }) => {
      const first = await step('First', async () => {
        await log('the first step runs');
        return 1;
      });
      await failpoint('between two steps');
      return step('Second', () => Promise.resolve(first + 1));
    },
  }),
  family: task(z.object({ number: z.number() }), {
    label: 'Family',
    attempts: 3,
    mayBeCancelled: true,
    run: async ({ children, here }, { number }) => {
      const wanted = Array.from({ length: number }, (_one, index) => ({
        key: `child ${index}`,
        kind: 'child',
        name: `Child ${index}`,
        input: { number: index },
      }));
      await children.request(here.sql, wanted);
      const ended = await children.wait();
      return ended.map(({ state, report }) => (state === 'done' ? report : state));
    },
  }),
  child: task(z.object({ number: z.number() }), {
    label: 'Child',
    attempts: 3,
    mayBeCancelled: true,
    run: async ({ report }, { number }) => {
      await failpoint(`child ${number}`);
      await report({ done: 1, total: 1, doing: 'Growing' });
      return number * 10;
    },
  }),
};
