// Worker processes are killed in the middle of a job, and other workers finish the job.
import { afterAll, expect, test } from 'vitest';
import * as jobs from '../../src/jobs/jobs.ts';
import { openRedis } from '../../src/environments/redis.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { childrenOf } from '../../src/jobs/children.ts';
import { lastLines, stepsOf } from '../../src/jobs/steps.ts';
import { jobTasks } from '../support/job-tasks.ts';
import { ended, silence, useWorkers } from '../support/jobs.ts';
import { dismiss, elsewhere } from '../support/killing.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const workers = useWorkers();
afterAll(dismiss);

async function pushed(wanted: Omit<jobs.JobRequest, 'person' | 'name'>) {
  const { staging } = world;
  const redis = await openRedis(staging);
  const queue = openQueue(staging, redis, jobTasks);
  const { job } = await jobs.request(staging.sql, {
    ...wanted,
    name: 'To be killed',
    person: 'pm@example.com',
  });
  await queue.push(job);
  workers.onClose(async () => {
    await queue.close();
    redis.destroy();
  });
  return job;
}

/**
 * Starts a worker process that is killed at the failpoint `point`; resolves when the process is
 * dead.
 */
async function workerKilledAt(point: string) {
  const { ended: end } = elsewhere({
    variables: world.variables.staging,
    task: { do: 'jobs' },
    at: { point, times: 1, signal: 'SIGKILL' },
  });
  expect(await end).toMatchObject({ signal: 'SIGKILL' });
}

test('another worker takes over the job of a killed worker, and runs only the remaining steps', async () => {
  const { staging } = world;
  const job = await pushed({ kind: 'steps', input: {} });
  await workerKilledAt('between two steps');
  expect(await jobs.byId(staging.sql, job.id)).toMatchObject({ state: 'running', attempt: 1 });
  await silence(staging, job.id);
  await workers.open(staging, jobTasks);
  // The new worker takes the job although the dead worker’s queue entry is still locked in Redis.
  expect(await ended(staging, job.id)).toMatchObject({ state: 'done', attempt: 2, report: '2' });
  expect(await stepsOf(staging.sql, job.id)).toMatchObject([
    { name: 'First', state: 'done', attempt: 1 },
    { name: 'Second', state: 'done', attempt: 2 },
  ]);
  const lines = (await lastLines(staging.sql, job.id)).map(({ text }) => text);
  expect(lines).toEqual(['the first step runs', 'Attempt 2 begins']);
});

test('a parent job gets the result of a child job whose worker was killed', async () => {
  const { staging } = world;
  const parent = await pushed({ kind: 'family', input: { number: 3 } });
  await workerKilledAt('child 1');
  const dead = await childrenOf(staging.sql, parent.id);
  expect(dead.some(({ state }) => state === 'running')).toBe(true);
  await staging.sql.query(
    `update job set alive_at = utc_timestamp(3) - interval 60 second where state = 'running'`,
  );
  await workers.open(staging, jobTasks);
  const done = await ended(staging, parent.id);
  expect(JSON.parse(done.report ?? '')).toEqual([0, 10, 20]);
});
