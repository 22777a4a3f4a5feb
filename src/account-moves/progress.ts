// How far a move is, for a person who waits. Pure.
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

/** The percent and the seconds left; null unless the older system says how many messages there are. */
export function progressOf(move: Measured, now: number): Progress {
  const { migration_status: status, expected_messages: expected, messages } = move;
  if (expected === null || status === 'not_needed') return { percent: null, seconds_left: null };
  if (status === 'completed') return { percent: 100, seconds_left: 0 };
  if (status === 'not_started') return { percent: 0, seconds_left: null };
  // Attachments and the final check come after the last message.
  const percent = expected === 0 ? 0 : Math.min(99, Math.floor((100 * messages) / expected));
  return { percent, seconds_left: isActive(move) ? secondsLeft(move, expected, now) : null };
}

/** By the pace since its job began to read: a run may have been paused for a night before. */
function secondsLeft(move: Measured, expected: number, now: number) {
  const { reading_since: from, messages, messages_before: before } = move;
  const left = expected - messages;
  const read = messages - before;
  if (from === null || read <= 0 || left <= 0) return null;
  const seconds = Math.max(0, now - Date.parse(fromSqlInstant(from))) / 1000;
  return Math.ceil((seconds / read) * left);
}
