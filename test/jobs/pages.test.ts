// Every action on the pages of jobs, schedules and dead letters works for permitted users and is refused for others.
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { run, select, sql } from '../../src/database/sql.ts';
import { record } from '../../src/jobs/dead-letters.ts';
import * as attempt from '../../src/jobs/attempt.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { recordSchedules } from '../../src/jobs/schedules.ts';
import { task, type Failure, type Tasks } from '../../src/jobs/task.ts';
import { schedules } from '../../src/tasks.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const pm = useClient(site, 'pm');
const vic = useClient(site, 'vic');
const ops = useClient(site, 'ops');

/** A kind of job that fails in its second step. */
const failing: Tasks = {
  comparison: task(z.object({}), {
    label: 'Comparison',
    attempts: 3,
    mayBeCancelled: true,
    run: async ({ step, log, deadLetter }) => {
      await step('Read forms', () => log('<b>12</b> forms'));
      await deadLetter({ key: 'form 7', reason: 'Broken & lost', payload: { id: 7 } });
      await step('Compare', () => Promise.reject(new Error('Out of memory')));
    },
  }),
};

let job: jobs.Job;
beforeEach(async () => {
  const { staging } = world;
  const requested = await jobs.request(staging.sql, {
    kind: 'comparison',
    name: 'Comparison of all',
    person: 'pm@example.com',
    input: { isFull: true },
    priority: 'low',
  });
  job = requested.job;
});
const address = () => `/jobs/${job.number}`;
const stateOf = async () => (await jobs.byId(world.staging.sql, job.id))?.state;
const status = async (answer: Promise<{ status: number }>) => (await answer).status;

test('the page of a job shows its steps with times, log, inputs and dead letters (recorded failures), all escaped', async () => {
  await runJob(world.staging, failing, job.id);
  const { text: html } = await vic.get(address());
  const text = textOf(html);
  for (const part of ['1. Read forms', '2. Compare', 'Out of memory', '{"isFull":true}', 'Low']) {
    expect(text).toContain(part);
  }
  expect(html).toContain('&lt;b&gt;12&lt;/b&gt; forms');
  expect(html).toContain('href="/dead-letters"');
  expect(html).not.toContain('Retry from step');
});

test('the event stream that updates a job’s page sends the state and the steps of the job, and closes when the job has ended', async () => {
  await runJob(world.staging, failing, job.id);
  const { text } = await vic.get(`${address()}/events`);
  const events = text
    .split('\n\n')
    .filter(Boolean)
    .map((event) => JSON.parse(event.replace(/^data: /, '')) as { state: string; live: string });
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ state: 'failed' });
  expect(events[0]?.live).toContain('1. Read forms');
});

test('the page of a job that was requested for a later time shows when the job starts', async () => {
  await run(
    world.staging.sql,
    sql`update job set run_at = '2099-01-01 10:30:00' where id = ${job.id}`,
  );
  expect(textOf((await vic.get(address())).text)).toContain('Starts on 1 Jan 2099, 10:30 UTC.');
});

test('a product manager retries a failed job from the step that failed; a viewer may not', async () => {
  await runJob(world.staging, failing, job.id);
  expect(textOf((await pm.get(address())).text)).toContain('Retry from step 2');
  expect(await status(vic.post(`${address()}/retry`))).toBe(403);
  expect(await stateOf()).toBe('failed');
  expect(await status(pm.post(`${address()}/retry`, { from: 'failed step' }))).toBe(303);
  expect(await stateOf()).toBe('waiting');
  expect(await status(pm.post(`${address()}/retry`))).toBe(409);
});

test('a product manager cancels a waiting job; a viewer may not', async () => {
  expect(await status(vic.post(`${address()}/cancellation`))).toBe(403);
  expect(await stateOf()).toBe('waiting');
  expect(await status(pm.post(`${address()}/cancellation`))).toBe(303);
  expect(await stateOf()).toBe('cancelled');
});

test('the list of jobs shows progress in percent, and an administrator starts the job of a schedule with the button Run now; a product manager may not', async () => {
  const all = await schedules(world.staging);
  await recordSchedules(world.staging, all);
  const [schedule] = all;
  await run(world.staging.sql, sql`update job set done_count = 13000, total_count = 26082`);
  const page = textOf((await ops.get('/jobs')).text);
  expect(page).toContain('49%');
  expect(page).not.toContain('26,082');
  expect(page).toContain(schedule?.label);
  expect(page).toContain('03:00 UTC');
  await pm.post(`${address()}/cancellation`);
  const path = `/schedules/${schedule?.name}/run`;
  expect(await status(pm.post(path))).toBe(403);
  const answer = await ops.post(path);
  const [newest] = await jobs.newest(world.staging.sql, 'comparison');
  expect(answer.headers['location']).toBe(`/jobs/${newest?.number}`);
  expect(newest).toMatchObject({ person: 'ops@example.com', state: 'waiting' });
  // A second click on Run now leads to the job of the first click, because that job is still active.
  expect((await ops.post(path)).headers['location']).toBe(`/jobs/${newest?.number}`);
  expect(await status(ops.post('/schedules/unknown/run'))).toBe(404);
});

/** Records a dead letter of the job; returns the URL of its page. */
async function addLetter(also: Partial<Failure> = {}): Promise<string> {
  const { sql: on } = world.staging;
  const begun = await attempt.begin(on, job.id);
  if (!begun) throw new Error('It did not begin');
  await record(on, begun, { key: 'form 7', reason: 'Lost', payload: { id: 7 }, ...also });
  const [letter] = await select<{ id: number }>(on, sql`select id from dead_letter`);
  return `/dead-letters/${letter?.id}`;
}

test('an administrator discards a dead letter (a recorded failure) with a reason; a product manager may only view it', async () => {
  const path = await addLetter();
  const seen = textOf((await pm.get('/dead-letters')).text);
  expect(seen).toContain('form 7');
  expect(seen).not.toContain('Discard form 7');
  expect(await status(pm.get(`${path}/discarding`))).toBe(403);
  expect(await status(pm.post(`${path}/discarding`, { reason: 'Obsolete' }))).toBe(403);
  expect(await status(pm.post(`${path}/retry`))).toBe(403);
  expect(textOf((await ops.get('/dead-letters')).text)).toContain('Discard form 7');
  expect((await ops.get(`${path}/discarding`)).text).toContain('name="reason"');
  const reason = '<b>Obsolete</b>';
  expect(await status(ops.post(`${path}/discarding`, { reason }))).toBe(303);
  expect(textOf((await ops.get('/dead-letters')).text)).not.toContain('form 7');
  const { text } = await ops.get('/dead-letters?state=all');
  expect(textOf(text)).toContain('form 7');
  expect(text).toContain('&lt;b&gt;Obsolete&lt;/b&gt;');
  expect(await status(ops.post(`${path}/discarding`, { reason }))).toBe(409);
  expect(await status(ops.get('/dead-letters/999/discarding'))).toBe(404);
});

test.each(['', '   ', 'x'.repeat(501)])(
  'a dead letter (a recorded failure) is not discarded with the invalid reason %j, and the form keeps the typed reason',
  async (reason) => {
    const path = await addLetter();
    const answer = await ops.post(`${path}/discarding`, { reason });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('id="e-reason"');
    expect(answer.text).toContain(`value="${reason}"`);
    expect(textOf((await ops.get('/dead-letters')).text)).toContain('form 7');
  },
);

test('the list of dead letters (recorded failures) shows what the failed item contained, unless this program does not know the kind of job', async () => {
  await addLetter({ subject: 'acc-7', cause: 'not-found', payload: { body: 'private' } });
  const shown = textOf((await pm.get('/dead-letters')).text);
  expect(shown).toContain('acc-7');
  expect(shown).toContain('Cause: not-found');
  expect(shown).toContain('{"body":"private"}');
  await run(world.staging.sql, sql`update dead_letter set kind = 'unknown'`);
  expect((await ops.get('/dead-letters')).text).not.toContain('private');
});

test('an administrator who retries a dead letter (a recorded failure) starts a job', async () => {
  expect(await status(ops.post(`${await addLetter()}/retry`))).toBe(303);
  expect(await jobs.newest(world.staging.sql, 'dead-letter')).toMatchObject([
    { state: 'waiting', priority: 'high', person: 'ops@example.com' },
  ]);
  expect(textOf((await ops.get('/dead-letters')).text)).toContain('Retrying');
});
