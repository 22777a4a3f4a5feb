// Renders the part of an account’s page that changes while its migration runs. The page and its event stream use the
// same template (partial).
import type { Queryable } from '../database/sql.ts';
import { count, duration } from '../web/format.ts';
import { icon } from '../web/icons.ts';
import { exactTime, partial, sentence } from '../web/partials.ts';
import { countsText, lookOf, stagesOf } from './move-view.ts';
import { byAccount, countsOf, type Move, type MoveEvent } from './moves.ts';
import { progressOf } from './progress.ts';
import { isActive, type Stage } from './status.ts';

/** Returns the variables of the partial `account-moves/live`. */
export const liveView = (move: Move, events: MoveEvent[], now = Date.now()) => {
  const { percent, seconds_left: left } = progressOf(move, now);
  return {
    move,
    look: lookOf(move.migration_status),
    reached:
      move.migration_status === 'failed' && move.reached !== null
        ? lookOf(move.reached).text
        : null,
    percent,
    left: isPaused(move) ? 'paused with its wave' : leftText(left),
    countsText: countsText(countsOf(move)),
    stages: stagesOf(move, events),
    problem: problemOf(move),
    count,
    exactTime,
    sentence,
    icon,
  };
};

export const livePart = (move: Move, events: MoveEvent[]): string =>
  partial('account-moves/live', liveView(move, events));

/**
 * Rounds the remaining time up to the next ten seconds, so that the page is not redrawn every
 * second.
 */
const leftText = (seconds: number | null) =>
  seconds === null || seconds === 0
    ? null
    : `about ${duration(Math.ceil(seconds / 10) * 10_000)} left`;

const isPaused = (move: Move) => move.is_paused === 1 && isActive(move);

function problemOf(move: Move): { isFatal: boolean; message: string; at: string } | null {
  const { migration_status: status, error_message: message, error_at: at } = move;
  if (message === null || at === null) return null;
  if (status === 'failed') return { isFatal: true, message, at };
  return isActive(move) ? { isFatal: false, message, at } : null;
}

const doing: Record<Stage, string> = {
  channels: 'Reading brands and channels',
  recent: 'Reading recent messages',
  rest: 'Reading older messages',
  attachments: 'Fetching attachments',
  'final-check': 'Checking for changes in the older system',
};

/** Returns what a running migration is doing, for the text beside the progress bar. */
export const doingText = (move: Move) => {
  if (isPaused(move)) return 'Paused with its wave';
  return move.stage === null ? 'Waiting' : doing[move.stage];
};

/** Returns the text that the inbox shows while messages are missing; null if none is missing. */
export async function arrivalText(on: Queryable, account: number): Promise<string | null> {
  const move = await byAccount(on, account);
  switch (move?.migration_status) {
    case undefined:
    case 'not_needed':
    case 'completed':
      return null;
    case 'not_started':
      return 'The migration of this account has not begun.';
    case 'failed':
      return 'The migration failed: older messages are missing until it is retried.';
    case 'migrating':
    case 'channels-only':
      return 'Messages are still arriving.';
    case 'recent-messages-only':
      return isActive(move)
        ? 'Older messages are still arriving.'
        : 'Only the recent messages are here.';
  }
}
