// Calculates the progress of a migration for a person who waits: percent and remaining seconds. Pure.
import { fromSqlInstant } from '../database/sql.ts';
import type { Move } from './moves.ts';
import { isActive } from './status.ts';

type Progress = { percent: number | null; seconds_left: number | null };
type Measured = Pick<
  Move,
  | 'migration_status'
  | 'reached'
  | 'part'
  | 'messages'
  | 'expected_messages'
  | 'reading_since'
  | 'messages_before'
>;

/**
 * Returns percent and remaining seconds. Both are null if the older system does not say how many
 * messages there are.
 */
export function progressOf(move: Measured, now: number): Progress {
  const { migration_status: status, expected_messages: expected, messages } = move;
  if (expected === null || status === 'not_needed') return { percent: null, seconds_left: null };
  if (status === 'completed') return { percent: 100, seconds_left: 0 };
  if (status === 'not_started') return { percent: 0, seconds_left: null };
  // Show at most 99 %, because attachments and the final check follow after the last message.
  const percent = expected === 0 ? 0 : Math.min(99, Math.floor((100 * messages) / expected));
  return { percent, seconds_left: isActive(move) ? secondsLeft(move, expected, now) : null };
}

/**
 * Estimates the remaining seconds from the pace since the current job began to read. Earlier jobs of the run do not
 * count, because the run may have been paused for a night.
 */
function secondsLeft(move: Measured, expected: number, now: number) {
  const { reading_since: from, messages, messages_before: before } = move;
  const left = expected - messages;
  const read = messages - before;
  if (from === null || read <= 0 || left <= 0) return null;
  const seconds = Math.max(0, now - Date.parse(fromSqlInstant(from))) / 1000;
  return Math.ceil((seconds / read) * left);
}
