// Implements the helpers that a job’s function gets during one attempt: progress, steps, log, child jobs and dead
// letters (failed items).
import type { App } from '../environments/app.ts';
import * as attempt from './attempt.ts';
import { endedChildren, requestChildren } from './children.ts';
import { record } from './dead-letters.ts';
import { Interrupted, Stopping } from './interrupted.ts';
import type { Job } from './jobs.ts';
import { beginStep, endStep, endSteps, keepResult, log, resultOf, trimLog } from './steps.ts';
import type { Work } from './task.ts';

type Listeners = {
  onProgress: (progress: attempt.Progress) => void;
  onRequest: (job: Job) => void;
};

/**
 * Creates the context of one attempt at a job. `onProgress` is called after each progress report,
 * `onRequest` for each job that this one requests.
 */
export function openWork(here: App, job: Job, { onProgress, onRequest }: Listeners): Work {
  const on = here.sql;
  const inOrder = queueOfCalls();
  let current = '';
  let openSteps = 0;
  let lines = 0;

  const enter = async (name: string) => {
    if (openSteps > 0 || name === current) return;
    current = name;
    await endSteps(on, job, 'done');
    if (name !== '') await beginStep(on, job, name);
  };
  return {
    here,
    job,
    report: (progress) =>
      inOrder(async () => {
        await attempt.report(on, job, progress);
        await enter(progress.doing.slice(0, 190));
        onProgress(progress);
        if (here.halt.signal.aborted)
          throw new Stopping('This process stops; another one continues');
      }),
    step: async <T>(name: string, run: (keep: (partial: T) => void) => Promise<T>) => {
      const done = await resultOf(on, job, name);
      if (done) return JSON.parse(done.result ?? 'null') as T;
      await inOrder(() => enter(''));
      openSteps += 1;
      let partial: T | undefined;
      try {
        await beginStep(on, job, name);
        const result = await run((kept) => {
          partial = kept;
        });
        await endStep(on, job, name, { state: 'done', result });
        return result;
      } catch (error) {
        // An interrupted step has not failed; its end is recorded when the attempt ends.
        if (!(error instanceof Interrupted)) {
          await endStep(on, job, name, { state: 'failed', result: partial });
        } else if (partial !== undefined) {
          await keepResult(on, job, name, partial);
        }
        throw error;
      } finally {
        openSteps -= 1;
      }
    },
    log: async (text) => {
      await log(on, job, text);
      lines += 1;
      if (lines % 100 === 0) await trimLog(on, job);
    },
    queue: onRequest,
    children: {
      request: (connection, children) => requestChildren(connection, job, children),
      wait: () => endedChildren(on, job),
    },
    deadLetter: (failure) => record(on, job, failure),
  };
}

/**
 * Returns a function that runs calls one after the other, even if its callers do not await them.
 */
function queueOfCalls() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(call: () => Promise<T>): Promise<T> => {
    const next = last.then(call, call);
    last = next;
    return next;
  };
}
