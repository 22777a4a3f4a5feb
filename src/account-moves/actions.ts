// What a person can do with a move, by the state that it is in. Pure functions.
import type { Move } from './moves.ts';
import { isActive } from './status.ts';

export type MoveAction = { text: string; icon: string; part: 'whole' | 'recent' | 'remaining' };

type State = Pick<Move, 'migration_status' | 'reached' | 'part' | 'wave_id'>;

/** The next step of a move that a person may take; null when there is none. */
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
      // Somebody waits for it: it goes on ahead of all waves, also of a paused one.
      return wave === null ? null : { text: 'Migrate now', icon: 'play', part: 'whole' };
  }
}

/** Whether a next run makes sense: of an account that never began, the first one does the same. */
export const mayMoveAgain = ({ migration_status: status }: Pick<Move, 'migration_status'>) =>
  status !== 'not_started' && status !== 'not_needed';
