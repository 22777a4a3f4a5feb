// Races in account migrations: simultaneous requests, two workers on one migration run, and requests in the middle of a
// run.
import { beforeAll, expect, test } from 'vitest';
import { attachmentDelays } from '../../src/account-moves/attachment-fetch.ts';
import { select, sql } from '../../src/database/sql.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { silence } from '../support/jobs.ts';
import { checkMove } from '../support/move-checker.ts';
import { onceAt, passFailpoints } from '../support/once-at.ts';
import { finish, moveOf, requested } from '../support/moving.ts';

const { world, older } = useMovingWorld({ MOVE_RECENT_MESSAGES: '50' });
const here = () => world.staging;

beforeAll(() => {
  Object.assign(attachmentDelays, { retry: 1, pause: 1, idle: 5 });
});
test('S4-53 simultaneous requests to migrate one account start one run and one job', async () => {
  await older.add({ id: 'together', messages: 10 });
  const all = await Promise.all(Array.from({ length: 8 }, () => requested(here(), 'together')));
  expect(all.filter(({ isAccepted }) => isAccepted)).toHaveLength(1);
  const found = await select(here().sql, sql`select id from job where kind = 'move-opening'`);
  expect(found).toHaveLength(1);
  expect(await finish(here(), 'together')).toMatchObject({ run: 1, migration_status: 'completed' });
});

test('two workers on the same migration store every record once', async () => {
  await older.add({ id: 'twice', messages: 400 });
  const { job } = await requested(here(), 'twice');
  await runJob(here(), tasks, job?.id ?? '');
  const { job: rest } = await moveOf(here(), 'twice');
  let second: Promise<unknown> = Promise.resolve();
  onceAt('page read', async () => {
    await silence(here(), rest ?? '');
    second = runJob(here(), tasks, rest ?? '');
  });
  await runJob(here(), tasks, rest ?? '');
  await second;
  passFailpoints();
  expect(await finish(here(), 'twice')).toMatchObject({ messages: 400, failed: 0 });
  expect(await checkMove(here(), older, 'twice')).toEqual([]);
});

test.each(['channels read', 'page before commit', 'attachment stored', 'final check compared'])(
  'S4-42 S4-52 a request with force at the step “%s” of a migration run begins a new run; the old run stops at its next commit',
  async (point) => {
    const id = `forced-${point.replaceAll(' ', '-')}`;
    await older.add({ id, messages: 120, attachmentEvery: 20 });
    await requested(here(), id);
    onceAt(point, () => requested(here(), id, { force: true }));
    expect(await finish(here(), id)).toMatchObject({
      run: 2,
      migration_status: 'completed',
      messages: 120,
    });
    expect(await checkMove(here(), older, id)).toEqual([]);
  },
);

test('S4-30 a request for the remaining messages, sent while the recent messages are being read, extends the migration run to all messages', async () => {
  await older.add({ id: 'wider', messages: 120 });
  await requested(here(), 'wider', { part: 'recent' });
  onceAt('page read', () => requested(here(), 'wider', { part: 'remaining' }));
  expect(await finish(here(), 'wider')).toMatchObject({
    run: 1,
    migration_status: 'completed',
    messages: 120,
  });
});
