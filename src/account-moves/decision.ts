// Decides what a request does, by the state of the move. Pure.
import type { Move } from './moves.ts';
import { isActive } from './status.ts';

/**
 * `begin`: the next run. `continue`: the run goes on where it stopped. `widen`: a run that was to stop after the recent
 * messages will read all. `ignore`: nothing changes.
 */
export type Decision = 'begin' | 'continue' | 'widen' | 'ignore';

type State = Pick<Move, 'migration_status' | 'reached' | 'part'>;
type Wanted = { part: 'whole' | 'recent' | 'remaining'; force: boolean };

export function decide(move: State, { part, force }: Wanted): Decision {
  const { migration_status: status } = move;
  if (status === 'not_needed') return 'ignore';
  if (status === 'not_started' || force) return 'begin';
  if (status === 'failed') return 'continue';
  if (status === 'completed') return 'ignore';
  const isWider = move.part === 'recent' && part !== 'recent';
  if (isActive(move)) return isWider ? 'widen' : 'ignore';
  return isWider ? 'continue' : 'ignore';
}
