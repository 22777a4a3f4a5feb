// The progress of a move: percent and seconds, only where the older system says how many messages there are (S4-83).
import { expect, test } from '@jest/globals';
import { progressOf } from '../../src/account-moves/progress.ts';
import type { MigrationStatus, Reached } from '../../src/account-moves/status.ts';

const now = Date.parse('2026-11-26T10:00:10.000Z');
const move = {
  migration_status: 'channels-only' as MigrationStatus,
  reached: 'channels-only' as Reached | null,
  part: 'whole' as const,
  messages: 250,
  expected_messages: 1000 as number | null,
  reading_since: '2026-11-26 10:00:00.000' as string | null,
  messages_before: 0,
};

test.each([
  ['a quarter in ten seconds', {}, 25, 30],
  [
    'a run that goes on after a paused night, by its pace since then (24)',
    { messages_before: 150 },
    25,
    75,
  ],
  ['a job that has read nothing yet', { messages_before: 250 }, 25, null],
  ['a next run whose job has not begun', { messages: 0, messages_before: 700 }, 0, null],
  ['a run whose job never began', { reading_since: null }, 25, null],
  ['no message yet', { messages: 0 }, 0, null],
  ['all messages, but not all attachments', { messages: 1000 }, 99, null],
  ['more messages than there were at the beginning', { messages: 1200 }, 99, null],
  ['an account without messages', { messages: 0, expected_messages: 0 }, 0, null],
  ['an unknown number of messages', { expected_messages: null }, null, null],
  ['a completed move', { migration_status: 'completed', reached: 'completed' }, 100, 0],
  [
    'a completed move without messages',
    { migration_status: 'completed', expected_messages: 0 },
    100,
    0,
  ],
  ['a failed move', { migration_status: 'failed' }, 25, null],
  ['a move that was not started', { migration_status: 'not_started', messages: 0 }, 0, null],
  ['a move that is not needed', { migration_status: 'not_needed', messages: 0 }, null, null],
  [
    'a move that stopped after its recent part',
    { migration_status: 'recent-messages-only', reached: 'recent-messages-only', part: 'recent' },
    25,
    null,
  ],
  ['a clock that is behind', { reading_since: '2026-11-26 10:05:00.000' }, 25, 0],
] as const)('shows the progress of %s', (_what, fields, percent, seconds) => {
  expect(progressOf({ ...move, ...fields }, now)).toEqual({ percent, seconds_left: seconds });
});
