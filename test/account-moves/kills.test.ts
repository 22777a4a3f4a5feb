// Moves in processes that are killed or paused at their n-th step: another process continues, and then every record of
// the account is here once. MOVE_KILLS=200 kills so often.
import { afterAll, expect, test } from '@jest/globals';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { silence } from '../support/jobs.ts';
import { killedAt, stoppedAt } from '../support/killing.ts';
import { checkMove } from '../support/move-checker.ts';
import { finish, moveOf, requested } from '../support/moving.ts';

const { world, older } = useMovingWorld({ MOVE_RECENT_MESSAGES: '50' });
const here = () => world.staging;
const variables = () => world.variables.staging;
const target = Number(process.env['MOVE_KILLS'] ?? 6);
let kills = 0;

/** About how many steps the two jobs of a move have. */
const STEPS = { opening: 12, rest: 24 };

afterAll(() => {
  if (target > 20) process.stdout.write(`${kills} processes were killed during moves\n`);
});

test('S4-40 S4-85 a move that is killed at any of its steps is continued, and every record of the account is here once or a dead letter', async () => {
  for (let kill = 1; kill <= target; kill += 1) {
    const id = `killed-${kill}`;
    await older.add({ id, messages: 130, attachmentEvery: 20 });
    const { job } = await requested(here(), id);
    const isOpening = kill % 2 === 1;
    if (!isOpening) await runJob(here(), tasks, job?.id ?? '');
    const { job: current } = await moveOf(here(), id);
    const round = Math.ceil(kill / 2);
    const steps = isOpening ? STEPS.opening : STEPS.rest;
    // With few kills, they are spread over all steps.
    const times =
      target < 20 ? Math.ceil((round * steps) / (target / 2 + 1)) : ((round - 1) % steps) + 1;
    const wasKilled = await killedAt(
      variables(),
      { do: 'job', id: current ?? '' },
      { point: 'any', times },
    );
    if (wasKilled) kills += 1;
    const move = await finish(here(), id);
    const found = await checkMove(here(), older, id);
    expect({ kill, times, status: move.migration_status, found }).toEqual({
      kill,
      times,
      status: 'completed',
      found: [],
    });
  }
}, 1_800_000);

test('processes were really killed during moves', () => {
  expect(kills).toBeGreaterThan(target / 2);
});

test.each(['page locked', 'page before commit', 'attachment stored', 'move rest ends'])(
  'a worker that is paused at “%s” and overtaken changes nothing when it wakes',
  async (point) => {
    const id = `paused-${point.replaceAll(' ', '-')}`;
    await older.add({ id, messages: 130, attachmentEvery: 20 });
    const { job } = await requested(here(), id);
    await runJob(here(), tasks, job?.id ?? '');
    const { job: rest } = await moveOf(here(), id);
    const task = { do: 'job', id: rest ?? '' } as const;
    const { wasStopped, goOn } = await stoppedAt(variables(), task, { point, times: 1 });
    expect(wasStopped).toBe(true);
    if (point === 'page locked') {
      // It holds the lock of the move, so it is the first to go on.
      await goOn();
      await finish(here(), id);
    } else {
      await silence(here(), rest ?? '');
      await finish(here(), id);
      await goOn();
    }
    expect(await moveOf(here(), id)).toMatchObject({
      migration_status: 'completed',
      messages: 130,
    });
    expect(await checkMove(here(), older, id)).toEqual([]);
  },
  120_000,
);
