// Decides which button the page of an account’s migration offers, depending on the migration’s status. Pure functions.
import type { Move } from './moves.ts';
import { isActive } from './status.ts';

export type MoveAction = { text: string; icon: string; part: 'whole' | 'recent' | 'remaining' };

type State = Pick<Move, 'migration_status' | 'reached' | 'part' | 'wave_id'>;

/**
 * Returns the button that a person may click next for a migration; null if there is nothing to do.
 */
export function actionOf(move: State): MoveAction | null {
  const { migration_status: status, part, wave_id: wave } = move;
  switch (status) {
    case 'not_started':
      return { text: 'Start migration', icon: 'play', part: 'whole' };
    case 'not_needed':
      return { text: 'Ask again', icon: 'rotate-ccw', part: 'whole' };
    case 'failed':
      return { text: 'Retry', icon: 'rotate-ccw', part };
    case 'completed':
      return null;
    default:
      if (!isActive(move)) return { text: 'Migrate the rest', icon: 'play', part: 'remaining' };
      // A wave (a migration of many accounts) is migrating this account in the background. A person may take the
      // account out of the wave, so that it is migrated ahead of all waves, even if its wave is paused.
      return wave === null ? null : { text: 'Migrate now', icon: 'play', part: 'whole' };
  }
}

/**
 * Whether a person may migrate the account again from the start. An account that was never migrated
 * needs no such button: starting its first migration does the same.
 */
export const mayMoveAgain = ({ migration_status: status }: Pick<Move, 'migration_status'>) =>
  status !== 'not_started' && status !== 'not_needed';
