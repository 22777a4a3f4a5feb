// Decides what a request does, by the state of the move. Pure.
import type { Move } from './moves.ts';
import { isActive } from './status.ts';

/**
 * `begin`: the next run. `continue`: the run goes on where it stopped. `widen`: a run that was to stop after the recent
 * messages will read all. `wait`: the recent messages must be here before another dump is read. `ignore`: nothing
 * changes.
 */
export type Decision = 'begin' | 'continue' | 'widen' | 'wait' | 'ignore';

type State = Pick<Move, 'migration_status' | 'reached' | 'part' | 'location' | 'failing_since'>;
type Wanted = {
  part: 'whole' | 'recent' | 'remaining';
  location: string | null;
  force: boolean;
  wave: number | null;
};

export function decide(move: State, { part, location, force, wave }: Wanted): Decision {
  const { migration_status: status } = move;
  if (status === 'not_needed') return 'ignore';
  if (status === 'not_started' || force) return 'begin';
  if (status === 'failed') return 'continue';
  if (status === 'completed') return 'ignore';
  // Only who asked for the recent messages asks for the rest.
  const isWider = wave === null && move.part === 'recent' && part !== 'recent';
  if (!isActive(move)) return isWider ? 'continue' : 'ignore';
  const isOther = location !== null && location !== move.location;
  // A dump at a wrong place, or a damaged one, is replaced by naming another.
  if (isOther && move.failing_since !== null) return 'continue';
  if (!isWider) return 'ignore';
  return isOther ? 'wait' : 'widen';
}
