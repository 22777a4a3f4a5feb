// Migrations whose process is killed or paused at its n-th step: another process continues, and every record of the
// account arrives once. MOVE_KILLS=200 kills 200 times.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patience } from '../../src/account-moves/patience.ts';
import { retryLetters } from '../../src/account-moves/retries.ts';
import { addWave } from '../../src/account-moves/waves.ts';
import { advanceWaves } from '../../src/account-moves/wave-starts.ts';
import type { JobQueue } from '../../src/jobs/queue.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { useMovingWorld } from '../support/conversations.ts';
import { silence } from '../support/jobs.ts';
import { killedAt, stoppedAt } from '../support/killing.ts';
import { checkMove } from '../support/move-checker.ts';
import { finish, moved, moveOf, requested } from '../support/moving.ts';

const { world, older } = useMovingWorld({ MOVE_RECENT_MESSAGES: '50' });
const here = () => world.staging;
const variables = () => world.variables.staging;
const target = Number(process.env['MOVE_KILLS'] ?? 4);
let kills = 0;
const person = 'mia@example.com';
const noQueue: JobQueue = { push: async () => {}, pushAll: async () => {}, close: async () => {} };

beforeAll(() => {
  Object.assign(patience, { recordDelay: 1 });
});

/** The kinds of job whose process is killed, in turn, and about how many steps each kind has. */
const scenarios = [
  { job: 'opening', steps: 12 },
  { job: 'rest', steps: 24 },
  { job: 'wave', steps: 36 },
  { job: 'dead letter', steps: 3 },
] as const;
type Scenario = (typeof scenarios)[number];

afterAll(() => {
  if (target > 20) process.stdout.write(`${kills} processes were killed during moves\n`);
});

/**
 * Brings an account to the point where the job that the test kills can start. Returns the id of
 * this job.
 */
async function prepared(id: string, { job }: Scenario): Promise<string> {
  const account = { id, messages: 130, attachmentEvery: 20 };
  await older.add(account);
  if (job === 'wave') {
    await addWave(here(), { name: id, accounts: [id], atOnce: 1, person });
    await advanceWaves(noQueue)(here());
    return (await moveOf(here(), id)).job ?? '';
  }
  if (job === 'dead letter') {
    older.fail({ match: new RegExp(`messages ${id} .*#m-0000100$`), name: '500' });
    await moved(here(), id);
    older.heal();
    const { jobs } = await retryLetters(here(), { account: id, person });
    return jobs[0]?.id ?? '';
  }
  const { job: opening } = await requested(here(), id);
  if (job === 'rest') await runJob(here(), tasks, opening?.id ?? '');
  return (await moveOf(here(), id)).job ?? '';
}

test('S4-40 S4-85 a migration whose process is killed at any step is continued, and every record of the account arrives once or becomes a dead letter', async () => {
  for (let kill = 0; kill < target; kill += 1) {
    const scenario = scenarios[kill % scenarios.length] ?? scenarios[0];
    const id = `killed-${kill}`;
    const job = await prepared(id, scenario);
    const round = Math.floor(kill / scenarios.length) + 1;
    const rounds = Math.ceil(target / scenarios.length);
    // If this kind of job is killed fewer times than it has steps, the kills are spread over all steps.
    const times =
      rounds < scenario.steps
        ? Math.ceil((round * scenario.steps) / (rounds + 1))
        : ((round - 1) % scenario.steps) + 1;
    const wasKilled = await killedAt(variables(), { do: 'job', id: job }, { point: 'any', times });
    if (wasKilled) kills += 1;
    if (scenario.job === 'dead letter') {
      await silence(here(), job);
      await runJob(here(), tasks, job);
    }
    const move = await finish(here(), id);
    const found = await checkMove(here(), older, id);
    const { migration_status: status, messages } = move;
    expect({ kill, ...scenario, times, status, messages, found }).toEqual({
      kill,
      ...scenario,
      times,
      status: 'completed',
      messages: 130,
      found: [],
    });
  }
}, 3_600_000);

test('at least half of the attempts to kill a process during a migration really killed it', () => {
  expect(kills).toBeGreaterThan(target / 2 - 1);
});

// Each of these accounts has several pages of messages or some attachments, but not both. A worker stores pages and
// attachments in parallel, so the paused write could have locked the row of the migration that the other write needs,
// too.
test.each([
  { point: 'page locked', messages: 130, attachmentEvery: 0 },
  { point: 'page before commit', messages: 130, attachmentEvery: 0 },
  { point: 'attachment stored', messages: 40, attachmentEvery: 100 },
  { point: 'move rest ends', messages: 130, attachmentEvery: 0 },
])(
  'a migration worker that is paused at “$point” while another worker takes over changes nothing when it resumes',
  async ({ point, messages, attachmentEvery }) => {
    const id = `paused-${point.replaceAll(' ', '-')}`;
    await older.add({ id, messages, attachmentEvery });
    const { job } = await requested(here(), id);
    await runJob(here(), tasks, job?.id ?? '');
    const { job: rest } = await moveOf(here(), id);
    const task = { do: 'job', id: rest ?? '' } as const;
    const { wasStopped, goOn } = await stoppedAt(variables(), task, { point, times: 1 });
    expect(wasStopped).toBe(true);
    if (point === 'page locked') {
      // The paused worker has locked the row of the migration, so it has to resume before another worker can take over.
      await goOn();
      await finish(here(), id);
    } else {
      await silence(here(), rest ?? '');
      await finish(here(), id);
      await goOn();
    }
    expect(await moveOf(here(), id)).toMatchObject({
      migration_status: 'completed',
      messages,
    });
    expect(await checkMove(here(), older, id)).toEqual([]);
  },
  120_000,
);
