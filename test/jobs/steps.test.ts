// Jobs record their steps and log lines, which the job’s page shows.
import { expect, test } from 'vitest';
import { z } from 'zod';
import * as jobs from '../../src/jobs/jobs.ts';
import { retry } from '../../src/jobs/retry.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { lastLines, stepsOf } from '../../src/jobs/steps.ts';
import { task, type Tasks, type Work } from '../../src/jobs/task.ts';
import { Unavailable } from '../../src/problems.ts';
import { age, wanted } from '../support/jobs.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const doing = (run: (work: Work) => Promise<unknown>): Tasks => ({
  count: task(z.object({}), {
    label: 'Steps',
    attempts: 2,
    mayBeCancelled: true,
    mayBeRetried: true,
    run,
  }),
});

const request = async () => (await jobs.request(world.staging.sql, wanted)).job;

test('retrying a failed job skips its finished steps and uses their stored results', async () => {
  const { staging } = world;
  const ran: string[] = [];
  let isBroken = true;
  const own = doing(async ({ step }) => {
    const first = await step('Restore', async () => {
      ran.push('Restore');
      return { tables: 3 };
    });
    return step('Check', async () => {
      ran.push('Check');
      if (isBroken) throw new Error('Row 7 is wrong');
      return first.tables + 1;
    });
  });
  const { id } = await request();
  const failed = await runJob(staging, own, id);
  expect(await stepsOf(staging.sql, id)).toMatchObject([
    { position: 1, name: 'Restore', state: 'done', attempt: 1 },
    { position: 2, name: 'Check', state: 'failed', attempt: 1 },
  ]);
  isBroken = false;
  if (!failed) throw new Error('It is gone');
  await retry(staging, own, failed, { person: 'pm@example.com', from: 'failed step' });
  expect(await runJob(staging, own, id)).toMatchObject({ state: 'done', report: '4' });
  expect(ran).toEqual(['Restore', 'Check', 'Check']);
  expect(await stepsOf(staging.sql, id)).toMatchObject([
    { state: 'done', attempt: 1 },
    { state: 'done', attempt: 2 },
  ]);
});

test('retrying a failed job from the start runs every step again and keeps the log', async () => {
  const { staging } = world;
  const ran: number[] = [];
  const own = doing(async ({ step, job }) => {
    await step('Restore', async () => void ran.push(job.attempt));
    if (job.attempt === 1) throw new Error('No space');
  });
  const { id } = await request();
  const failed = await runJob(staging, own, id);
  if (!failed) throw new Error('It is gone');
  await retry(staging, own, failed, { person: 'pm@example.com', from: 'start' });
  await runJob(staging, own, id);
  expect(ran).toEqual([1, 2]);
  const lines = await lastLines(staging.sql, id);
  expect(lines.map(({ attempt, text }) => [attempt, text])).toEqual([
    [1, 'No space'],
    [2, 'Attempt 2 begins'],
  ]);
});

test('a job that reports progress with a new text begins a new step, and the end of the job ends the last step', async () => {
  const { staging } = world;
  const own = doing(async ({ report }) => {
    await report({ done: 1, total: 3, doing: 'Forms' });
    await report({ done: 2, total: 3, doing: 'Forms' });
    await report({ done: 3, total: 3, doing: 'Businesses' });
  });
  const { id } = await request();
  await runJob(staging, own, id);
  const steps = await stepsOf(staging.sql, id);
  expect(steps.map(({ name, state }) => [name, state])).toEqual([
    ['Forms', 'done'],
    ['Businesses', 'done'],
  ]);
  expect(steps.every(({ ended_at }) => ended_at !== null)).toBe(true);
});

test('a step of a job is recorded as stopped, not failed, when the attempt ends but the job will be tried again', async () => {
  const { staging } = world;
  const own = doing(async ({ report, job }) => {
    await report({ done: 0, total: 1, doing: 'Reading' });
    if (job.attempt === 1) throw new Unavailable('Production does not answer');
  });
  const { id } = await request();
  await runJob(staging, own, id);
  expect(await stepsOf(staging.sql, id)).toMatchObject([{ name: 'Reading', state: 'stopped' }]);
  await age(staging, id);
  await runJob(staging, own, id);
  expect(await stepsOf(staging.sql, id)).toMatchObject([{ state: 'done', attempt: 2 }]);
});

test('the log of a job keeps its last 500 lines', async () => {
  const { staging } = world;
  const own = doing(async ({ log }) => {
    for (let line = 1; line <= 700; line += 1) await log(`Line ${line}`);
  });
  const { id } = await request();
  await runJob(staging, own, id);
  const lines = await lastLines(staging.sql, id, 1000);
  expect([lines[0]?.text, lines.length]).toEqual(['Line 201', 500]);
});

test('an attempt adds no steps and no log lines after another worker has taken over its job', async () => {
  const { staging } = world;
  const own = doing(async ({ log, step, job }) => {
    await staging.sql.query('update job set attempt = 5 where id = ?', [job.id]);
    await log('Too late');
    await step('Too late', () => Promise.resolve(1));
  });
  const { id } = await request();
  expect(await runJob(staging, own, id)).toMatchObject({ state: 'running', attempt: 5 });
  expect(await stepsOf(staging.sql, id)).toEqual([]);
  expect(await lastLines(staging.sql, id)).toEqual([]);
});
