// Dead letters, which are items of a job that failed for good, are recorded, retried and discarded.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { select, sql } from '../../src/database/sql.ts';
import * as deadLetters from '../../src/jobs/dead-letters.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { task } from '../../src/jobs/task.ts';
import { Conflict, NotFound, Unavailable } from '../../src/problems.ts';
import { age, wanted } from '../support/jobs.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const why = { person: 'ops@example.com', note: 'The file is obsolete' };

/**
 * Declares a kind of job that imports three files. One of the files fails until the test repairs
 * it.
 */
function importing() {
  const state = { isMended: false, isAway: false, retried: [] as unknown[] };
  const tasks = deadLetters.withDeadLetters({
    count: task(z.object({}), {
      label: 'Import',
      attempts: 3,
      mayBeCancelled: true,
      run: async ({ deadLetter }) => {
        for (const file of ['a.csv', 'b.csv', 'c.csv']) {
          if (file !== 'b.csv') continue;
          await deadLetter({ key: file, reason: 'Row 3 has no id', payload: { file } });
        }
        return { imported: 2 };
      },
      retryItem: async ({ log }, payload) => {
        state.retried.push(payload);
        await log('reads the file again');
        if (state.isAway) throw new Unavailable('The storage does not answer');
        if (!state.isMended) throw new Error('Row 4 has no id');
      },
    }),
  });
  return { state, tasks };
}

async function withDeadLetter() {
  const { staging } = world;
  const own = importing();
  const { job } = await jobs.request(staging.sql, wanted);
  expect(await runJob(staging, own.tasks, job.id)).toMatchObject({ state: 'done' });
  const [letter] = await open();
  if (!letter) throw new Error('No dead letter was recorded');
  return { ...own, job, letter };
}

const all = (state: string) =>
  deadLetters.list(world.staging.sql, { state, kind: '', before: null });
const open = () => all('open');
const audited = () =>
  select(world.staging.sql, sql`select person, action, subject, detail from audit order by id`);

test('an item that a job cannot process is stored as a dead letter with its reason and content, and the job ends as done', async () => {
  const { letter, job } = await withDeadLetter();
  expect(letter).toMatchObject({
    kind: 'count',
    item_key: 'b.csv',
    reason: 'Row 3 has no id',
    payload: '{"file":"b.csv"}',
    attempts: 1,
    state: 'open',
    job_number: job.number,
  });
});

test('an item that fails in two attempts of one job remains one dead letter (a recorded failure), which counts two attempts', async () => {
  const { staging } = world;
  const { tasks, job } = await withDeadLetter();
  await staging.sql.query(
    `update job set state = 'waiting', ended_at = null, run_at = null where id = ?`,
    [job.id],
  );
  await runJob(staging, tasks, job.id);
  expect(await open()).toMatchObject([{ item_key: 'b.csv', attempts: 2 }]);
});

test('a failed retry keeps a dead letter (a recorded failure) open with the new reason, and a successful retry ends it', async () => {
  const { staging } = world;
  const { tasks, state, letter } = await withDeadLetter();
  const first = await deadLetters.retry(staging, letter.id, 'ops@example.com');
  expect(await runJob(staging, tasks, first.id)).toMatchObject({ state: 'failed' });
  expect(await open()).toMatchObject([
    { attempts: 2, reason: 'Row 4 has no id', retry_state: 'failed' },
  ]);
  state.isMended = true;
  const second = await deadLetters.retry(staging, letter.id, 'ops@example.com');
  expect(await runJob(staging, tasks, second.id)).toMatchObject({ state: 'done' });
  expect(await open()).toEqual([]);
  expect(await all('done')).toMatchObject([{ ended_by: 'ops@example.com' }]);
  expect(state.retried).toEqual([{ file: 'b.csv' }, { file: 'b.csv' }]);
  expect(await audited()).toContainEqual({
    person: 'ops@example.com',
    action: 'retried a dead letter',
    subject: 'b.csv',
    detail: 'Row 3 has no id',
  });
});

test('the job that retries a dead letter (a recorded failure) waits while a server is unreachable, and counts no further failure', async () => {
  const { staging } = world;
  const { tasks, state, letter } = await withDeadLetter();
  state.isMended = true;
  state.isAway = true;
  const job = await deadLetters.retry(staging, letter.id, 'ops@example.com');
  expect(await runJob(staging, tasks, job.id)).toMatchObject({ state: 'waiting' });
  expect(await open()).toMatchObject([{ attempts: 1, reason: 'Row 3 has no id' }]);
  state.isAway = false;
  await age(staging, job.id);
  expect(await runJob(staging, tasks, job.id)).toMatchObject({ state: 'done' });
});

test('two people who retry a dead letter (a recorded failure) at once start one job', async () => {
  const { staging } = world;
  const { letter } = await withDeadLetter();
  const both = await Promise.all([
    deadLetters.retry(staging, letter.id, 'ops@example.com'),
    deadLetters.retry(staging, letter.id, 'ops@example.com'),
  ]);
  expect(both[0].id).toBe(both[1].id);
  await expect(deadLetters.discard(staging, letter.id, why)).rejects.toThrow(Conflict);
});

test('a discarded dead letter (a recorded failure) is recorded in the audit log and can no longer be retried', async () => {
  const { staging } = world;
  const { letter } = await withDeadLetter();
  await deadLetters.discard(staging, letter.id, why);
  expect(await open()).toEqual([]);
  expect(await all('discarded')).toMatchObject([{ note: 'The file is obsolete' }]);
  expect(await audited()).toContainEqual({
    person: 'ops@example.com',
    action: 'discarded a dead letter',
    subject: 'b.csv',
    detail: 'The file is obsolete (Row 3 has no id)',
  });
  await expect(deadLetters.retry(staging, letter.id, 'x')).rejects.toThrow(Conflict);
  await expect(deadLetters.discard(staging, letter.id, why)).rejects.toThrow(Conflict);
  await expect(deadLetters.retry(staging, 99_999, 'x')).rejects.toThrow(NotFound);
});
