// The progress of a migration: percent and remaining seconds, only if the older system says how many messages there are
// (S4-83).
import { expect, test } from 'vitest';
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
  ['a run that read a quarter of the messages in ten seconds', {}, 25, 30],
  [
    'a run that was paused for a night, by its pace since it went on (24)',
    { messages_before: 150 },
    25,
    75,
  ],
  ['a run whose current job has read nothing yet', { messages_before: 250 }, 25, null],
  ['a later run whose job has not begun', { messages: 0, messages_before: 700 }, 0, null],
  ['a run whose job never began', { reading_since: null }, 25, null],
  ['a run that has no message yet', { messages: 0 }, 0, null],
  ['a run with all messages, but not all attachments', { messages: 1000 }, 99, null],
  [
    'a run with more messages than the older system had at the beginning',
    { messages: 1200 },
    99,
    null,
  ],
  ['an account without messages', { messages: 0, expected_messages: 0 }, 0, null],
  ['an account with an unknown number of messages', { expected_messages: null }, null, null],
  ['a completed migration', { migration_status: 'completed', reached: 'completed' }, 100, 0],
  [
    'a completed migration without messages',
    { migration_status: 'completed', expected_messages: 0 },
    100,
    0,
  ],
  ['a failed migration', { migration_status: 'failed' }, 25, null],
  ['a migration that was not started', { migration_status: 'not_started', messages: 0 }, 0, null],
  ['a migration that is not needed', { migration_status: 'not_needed', messages: 0 }, null, null],
  [
    'a migration that stopped after the recent messages',
    { migration_status: 'recent-messages-only', reached: 'recent-messages-only', part: 'recent' },
    25,
    null,
  ],
  [
    'a run that began in the future, because a clock is behind',
    { reading_since: '2026-11-26 10:05:00.000' },
    25,
    0,
  ],
] as const)(
  'progressOf calculates the percent and the remaining seconds of %s',
  (_what, fields, percent, seconds) => {
    expect(progressOf({ ...move, ...fields }, now)).toEqual({ percent, seconds_left: seconds });
  },
);
