import { expect, test } from 'vitest';
import {
  countsText,
  earlierRuns,
  membersOf,
  moveGroups,
  stagesOf,
} from '../../src/account-moves/move-view.ts';
import type { Move, MoveEvent } from '../../src/account-moves/moves.ts';
import { isActive, migrationStatuses, stages } from '../../src/account-moves/status.ts';

const zero = { channels: 0, threads: 0, messages: 0, attachments: 0, skipped: 0, failed: 0 };
const moveIn = (fields: Partial<Move>) => ({ ...zero, run: 1, part: 'whole', ...fields }) as Move;

let id = 0;
const event = (
  name: MoveEvent['name'],
  second: number,
  fields: Partial<MoveEvent> = {},
): MoveEvent => ({
  id: (id += 1),
  account_id: 1,
  run: 1,
  kind: stages.some((stage) => stage === name) ? 'stage' : 'status',
  name,
  counts: JSON.stringify(zero),
  at: `2026-11-26 10:00:${String(second).padStart(2, '0')}.000`,
  ...fields,
});
const counted = (counts: object) => ({ counts: JSON.stringify({ ...zero, ...counts }) });

test('each migration status, for all or only the recent messages, is counted in at most one dashboard tile, an active one in “running”', () => {
  for (const status of migrationStatuses) {
    for (const part of ['whole', 'recent'] as const) {
      const groups = moveGroups.filter((group) =>
        membersOf[group].some((one) => one.status === status && one.part === part),
      );
      const reached = status === 'recent-messages-only' ? status : null;
      expect([status, part, groups.length]).toEqual([
        status,
        part,
        status === 'not_needed' ? 0 : 1,
      ]);
      const runs = isActive({ migration_status: status, reached, part });
      expect([status, part, groups[0] === 'running']).toEqual([status, part, runs]);
    }
  }
});

test('each stage of an account migration is shown with its own counts, and with its time without the wait between two jobs', () => {
  const move = moveIn({ migration_status: 'recent-messages-only', messages: 700, threads: 90 });
  const shown = stagesOf(move, [
    event('migrating', 0),
    event('channels', 1),
    event('channels-only', 3, counted({ channels: 3 })),
    event('recent', 3, counted({ channels: 3 })),
    event(
      'recent-messages-only',
      7,
      counted({ channels: 3, messages: 500, threads: 80, failed: 1 }),
    ),
    event('rest', 20, counted({ channels: 3, messages: 500, threads: 80, failed: 1 })),
  ]);
  expect(shown.map(({ name, state, took, counts }) => [name, state, took, counts])).toEqual([
    ['channels', 'done', '2.0 s', '3 channels'],
    ['recent', 'done', '4.0 s', '80 threads, 500 messages, 1 record failed'],
    ['rest', 'running', null, '10 threads, 200 messages'],
    ['attachments', 'waiting', null, ''],
    ['final-check', 'waiting', null, ''],
  ]);
});

test('all stages of a completed run are shown as done, and a stage without results shows 0 or “Nothing”', () => {
  const all = counted({ channels: 1, messages: 4 });
  const shown = stagesOf(moveIn({ migration_status: 'completed', messages: 4, channels: 1 }), [
    event('channels', 0),
    event('channels-only', 1, counted({ channels: 1 })),
    event('recent', 1, counted({ channels: 1 })),
    event('recent-messages-only', 2, all),
    event('rest', 3, all),
    event('attachments', 4, all),
    event('final-check', 5, all),
    event('completed', 6, all),
  ]);
  expect(shown.map(({ state, counts }) => [state, counts])).toEqual([
    ['done', '1 channel'],
    ['done', '4 messages'],
    ['done', '0 messages'],
    ['done', '0 attachments'],
    ['done', 'Nothing'],
  ]);
});

test.each([
  [{ migration_status: 'failed', reached: null }, 'failed'],
  [{ migration_status: 'migrating', reached: null }, 'running'],
] as const)(
  'with the migration fields %j, a stage that has begun and not ended is shown as %s',
  (fields, state) => {
    expect(stagesOf(moveIn(fields), [event('channels', 0)])[0]?.state).toBe(state);
  },
);

test('the time of a retried stage begins with its first start and ends with the end of the retry', () => {
  const [channels] = stagesOf(moveIn({ migration_status: 'channels-only' }), [
    event('channels', 0),
    event('failed', 5),
    event('channels', 20),
    event('channels-only', 21),
  ]);
  expect(channels).toMatchObject({ state: 'done', took: '21 s' });
});

test('earlier runs of a migration are listed, the latest first, each with its last status', () => {
  const events = [
    event('migrating', 0),
    event('failed', 9, counted({ messages: 5 })),
    event('migrating', 10, { run: 2 }),
    event('completed', 14, { run: 2, ...counted({ messages: 12 }) }),
    event('migrating', 30, { run: 3 }),
  ];
  const runs = earlierRuns(moveIn({ run: 3, migration_status: 'migrating' }), events);
  expect(runs.map(({ number, look, took, counts }) => [number, look.text, took, counts])).toEqual([
    [2, 'Completed', '4.0 s', '12 messages'],
    [1, 'Failed', '9.0 s', '5 messages'],
  ]);
});

test.each([
  [{}, 'Nothing'],
  [
    { channels: 1, threads: 2, messages: 1234, attachments: 1, skipped: 3, failed: 4 },
    '1 channel, 2 threads, 1,234 messages, 1 attachment, 3 attachments skipped, 4 records failed',
  ],
])('the counts of a migration %j are shown as “%s”', (counts, text) => {
  expect(countsText({ ...zero, ...counts })).toBe(text);
});
