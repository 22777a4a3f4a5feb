// Decides whether a migration run fails because too many of its records are dead letters. Pure, except that it throws.
import type { Move } from './moves.ts';
import { RunFailed, type Run } from './run.ts';

type Limits = { allowed: number; percent: number };
type Counted = Pick<Move, 'channels' | 'threads' | 'messages' | 'failed' | 'expected_messages'>;

/**
 * Whether the dead letters exceed both limits: the allowed number and the percentage of all
 * records. Attachments do not count.
 */
export function hasTooManyLetters(
  { channels, threads, messages, failed, expected_messages: expected }: Counted,
  { allowed, percent }: Limits,
): boolean {
  const all = channels + threads + Math.max(messages + failed, expected ?? 0);
  return failed > allowed && failed * 100 > all * percent;
}

/** @throws RunFailed when too many records of a migration run are dead letters */
export function refuseTooManyLetters(at: Run, move: Move) {
  const limits = at.here.settings.moves?.failures;
  if (!limits || !hasTooManyLetters(move, limits)) return;
  throw new RunFailed(
    'too-many-dead-letters',
    `${move.failed} records cannot be stored, more than ${limits.allowed} and ${limits.percent}%. Retry or discard them, and retry the account.`,
  );
}
