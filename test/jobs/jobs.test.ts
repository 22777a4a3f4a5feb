// Jobs are recorded in MySQL. These tests call each attempt to run a job directly, without Redis.
import { describe, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { run, select, sql, transaction } from '../../src/database/sql.ts';
import { openApp } from '../../src/environments/app.ts';
import * as attempt from '../../src/jobs/attempt.ts';
import { cancel } from '../../src/jobs/cancel.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { retry } from '../../src/jobs/retry.ts';
import { backoffOf, runJob } from '../../src/jobs/runner.ts';
import { task, type Tasks, type Work } from '../../src/jobs/task.ts';
import { Conflict, Unavailable } from '../../src/problems.ts';
import { tasks } from '../../src/tasks.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { age, counting, silence, wanted } from '../support/jobs.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const doing = (runTask: (work: Work) => Promise<unknown>): Tasks => ({
  count: task(z.object({}), {
    label: 'Anything',
    attempts: 2,
    mayBeCancelled: true,
    mayBeRetried: true,
    run: runTask,
  }),
});

/** Returns a promise that a task awaits, and a function that resolves the promise. */
function gate() {
  let open = () => {};
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  return { open, isOpen };
}

const audited = (action: string) =>
  select(world.staging.sql, sql`select subject from audit where action = ${action}`);

describe('recording the request of a job', () => {
  test('two simultaneous requests with the same onlyOne key, which allows one active job at a time, record a single job', async () => {
    const { staging } = world;
    const both = await Promise.all([
      jobs.request(staging.sql, { ...wanted, onlyOne: 'count' }),
      jobs.request(staging.sql, { ...wanted, onlyOne: 'count' }),
    ]);
    expect(both.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(both.map(({ job }) => job.id)).size).toBe(1);
    expect(await audited('requested a job')).toHaveLength(1);
  });

  test('a job that may run only once at a time can be requested again after it has ended', async () => {
    const { staging } = world;
    const first = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    await runJob(staging, counting([]), first.job.id);
    const second = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    expect(second.isNew).toBe(true);
    expect((await jobs.active(staging.sql, 'count'))?.id).toBe(second.job.id);
  });

  test('a job requested within a transaction is recorded only if the transaction commits', async () => {
    const { staging } = world;
    const aborted = transaction(staging.sql, async (on) => {
      await jobs.request(on, wanted);
      throw new Error('the caller changed its mind');
    });
    await expect(aborted).rejects.toThrow('changed its mind');
    expect(await jobs.newest(staging.sql, 'count')).toEqual([]);
    await transaction(staging.sql, async (on) => {
      await jobs.request(on, wanted);
      expect(await jobs.newest(staging.sql, 'count')).toEqual([]);
    });
    expect(await jobs.newest(staging.sql, 'count')).toMatchObject([{ state: 'waiting' }]);
    expect(await audited('requested a job')).toHaveLength(1);
  });
});

describe('when a worker may start, take over or retry a job', () => {
  test('a job of a kind that this version of the program does not know stays waiting', async () => {
    const { staging } = world;
    const { job } = await jobs.request(staging.sql, { ...wanted, kind: 'of next year' });
    expect(await runJob(staging, tasks, job.id)).toMatchObject({ state: 'waiting', attempt: 0 });
  });

  test('a job with a start time does not start before that time', async () => {
    const { staging } = world;
    const seen: number[] = [];
    const runAt = new Date(Date.now() + 60_000).toISOString();
    const { job } = await jobs.request(staging.sql, { ...wanted, runAt });
    expect(await runJob(staging, counting(seen), job.id)).toMatchObject({ state: 'waiting' });
    await age(staging, job.id);
    expect(await runJob(staging, counting(seen), job.id)).toMatchObject({ state: 'done' });
    expect(seen).toEqual([7]);
  });

  test('a worker takes over a job whose former worker sends no heartbeats, and the former worker stops at its next progress report', async () => {
    const { staging } = world;
    const { open, isOpen } = gate();
    const reports: string[] = [];
    const slow = doing(async ({ report, job }) => {
      if (job.attempt === 1) await isOpen;
      await report({ done: 1, total: 1, doing: '' });
      reports.push(`attempt ${job.attempt}`);
    });
    const { job } = await jobs.request(staging.sql, wanted);
    const former = runJob(staging, slow, job.id);
    await sleep(100);
    await silence(staging, job.id);
    expect(await runJob(staging, slow, job.id)).toMatchObject({ state: 'done', attempt: 2 });
    open();
    expect(await former).toMatchObject({ state: 'done', attempt: 2 });
    expect(reports).toEqual(['attempt 2']);
  });

  test('a job is retried later while a server that it needs does not answer, and fails with the reason after its last attempt', async () => {
    const { staging } = world;
    const broken = doing(() => Promise.reject(new Unavailable('Production does not answer')));
    const { job } = await jobs.request(staging.sql, wanted);
    const waiting = await runJob(staging, broken, job.id);
    expect(waiting).toMatchObject({ state: 'waiting', problem: 'Production does not answer' });
    // The job is not due yet, so it must not start.
    expect(await runJob(staging, broken, job.id)).toMatchObject({ state: 'waiting', attempt: 1 });
    await age(staging, job.id);
    expect(await runJob(staging, broken, job.id)).toMatchObject({ state: 'failed', attempt: 2 });
  });

  test('the delay between attempts of a job doubles up to a minute, unless the kind of job sets another delay', () => {
    const delays = [1, 2, 3, 4, 5, 100].map((attempts) => backoffOf({}, attempts));
    expect(delays).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    expect(backoffOf({ backoff: { type: 'fixed', delay: 700 } }, 9)).toBe(700);
    const jittered = backoffOf({ backoff: { type: 'exponential', delay: 1000, jitter: 0.5 } }, 2);
    expect(jittered).toBeGreaterThanOrEqual(1000);
    expect(jittered).toBeLessThanOrEqual(2000);
  });

  test('no job is started while the database is being updated to another version, however long that takes', async () => {
    const { staging } = world;
    await writeVersion(staging.documents, { databaseVersion: '1', isUpdating: true });
    const here = openApp(staging.settings);
    const seen: number[] = [];
    const { job } = await jobs.request(staging.sql, wanted);
    expect(await runJob(here, counting(seen), job.id)).toMatchObject({ state: 'waiting' });
    await run(staging.sql, sql`update job set attempt = 50, run_at = null where id = ${job.id}`);
    expect(await runJob(here, counting(seen), job.id)).toMatchObject({ state: 'waiting' });
    expect(seen).toEqual([]);
    await here.close();
  });
});

describe('cancelling a waiting or running job', () => {
  test('a cancelled running job stops at its next progress report and is not run again', async () => {
    const { staging } = world;
    const { open, isOpen } = gate();
    const seen: string[] = [];
    const slow = doing(async ({ report }) => {
      await isOpen;
      await report({ done: 1, total: 1, doing: '' });
      seen.push('continued');
    });
    const { job } = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    const running = runJob(staging, slow, job.id);
    await sleep(100);
    expect(await cancel(staging, slow, job, 'pm@example.com')).toBe(true);
    // A cancelled job counts as active until it has really stopped, so that no second job runs at
    // the same time.
    expect(await jobs.active(staging.sql, 'count')).toMatchObject({ state: 'running' });
    expect(await cancel(staging, slow, job, 'pm@example.com')).toBe(false);
    open();
    expect(await running).toMatchObject({ state: 'cancelled', attempt: 1 });
    expect(await runJob(staging, slow, job.id)).toMatchObject({ state: 'cancelled' });
    expect(seen).toEqual([]);
    expect(await audited('cancelled a job')).toHaveLength(1);
  });

  test('a cancelled waiting job ends at once, and a cancelled running job is not restarted when its worker has died', async () => {
    const { staging } = world;
    const seen: number[] = [];
    const own = counting(seen);
    const { job } = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    await cancel(staging, own, job, 'pm@example.com');
    expect(await runJob(staging, own, job.id)).toMatchObject({ state: 'cancelled' });
    const next = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    expect(next.isNew).toBe(true);
    await attempt.begin(staging.sql, next.job.id);
    await cancel(staging, own, next.job, 'pm@example.com');
    await silence(staging, next.job.id);
    expect(await runJob(staging, own, next.job.id)).toMatchObject({ state: 'cancelled' });
    expect(seen).toEqual([]);
  });

  test('cancelling a job of a kind that cannot be cancelled is refused', async () => {
    const { staging } = world;
    const { job } = await jobs.request(staging.sql, { ...wanted, kind: 'transfer' });
    expect(() => cancel(staging, tasks, job, 'pm@example.com')).toThrow(Conflict);
  });
});

describe('retrying a failed job by hand', () => {
  test('a person’s retry gives a job all its attempts again, but is refused while a job with the same onlyOne key is active', async () => {
    const { staging } = world;
    let isBroken = true;
    const own = doing(() =>
      isBroken ? Promise.reject(new Error('No space')) : Promise.resolve(1),
    );
    const { job } = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    const failed = await runJob(staging, own, job.id);
    expect(failed).toMatchObject({ state: 'failed', problem: 'No space' });
    if (!failed) throw new Error('It is gone');
    const other = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    const by = { person: 'pm@example.com', from: 'failed step' } as const;
    await expect(retry(staging, own, failed, by)).rejects.toThrow(Conflict);
    await cancel(staging, own, other.job, 'pm@example.com');
    await retry(staging, own, failed, by);
    isBroken = false;
    const done = await runJob(staging, own, job.id);
    expect(done).toMatchObject({ state: 'done', attempt: 2, attempts_before: 1, problem: null });
    expect(await audited('retried a job')).toHaveLength(1);
  });
});

describe('deleting jobs that ended more than 90 days ago', () => {
  const expire = () =>
    run(world.staging.sql, sql`update job set ended_at = utc_timestamp(3) - interval 91 day`);
  const count = async (table: 'job' | 'job_step' | 'job_log' | 'dead_letter') => {
    const [rows] = await world.staging.sql.query(`select * from ${table}`);
    return (rows as unknown[]).length;
  };
  const counts = () =>
    Promise.all([count('job'), count('job_step'), count('job_log'), count('dead_letter')]);

  test('a job that ended 91 days ago is deleted with its steps, log and child jobs, unless a dead letter (recorded failure) of it is open', async () => {
    const { staging } = world;
    const own = doing(async ({ step, log, children, deadLetter, here }) => {
      await step('Only step', () => log('One line'));
      await deadLetter({ key: 'a.csv', reason: 'Not a CSV file', payload: null });
      await children.request(here.sql, [{ key: 'c', kind: 'none', name: 'Child', input: {} }]);
    });
    const { job } = await jobs.request(staging.sql, wanted);
    await runJob(staging, own, job.id);
    expect(await counts()).toEqual([2, 1, 1, 1]);
    await expire();
    expect(await jobs.purgeExpired(staging)).toBe(0);
    await run(staging.sql, sql`update dead_letter set state = 'discarded'`);
    await jobs.purgeExpired(staging);
    expect(await counts()).toEqual([0, 0, 0, 0]);
  });
});
