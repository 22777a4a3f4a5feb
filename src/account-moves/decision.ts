// Decides what a migration request does, depending on the migration’s status. Pure.
import type { Move } from './moves.ts';
import { isActive } from './status.ts';

/**
 * What Oneway does with a migration request. `begin`: starts the next run. `continue`: continues
 * the run where it stopped. `widen`: extends a run that would stop after the recent messages to all
 * messages. `wait`: refuses the request, because it names another dump before the recent messages
 * have arrived. `ignore`: changes nothing.
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
  // A wave (migration of many accounts) never extends a run that was requested for the recent messages only: an app or
  // a person requests the rest.
  const isWider = wave === null && move.part === 'recent' && part !== 'recent';
  if (!isActive(move)) return isWider ? 'continue' : 'ignore';
  const isOther = location !== null && location !== move.location;
  // If reading the current dump fails, a request may replace it with another dump, because the
  // location may be wrong or the dump damaged.
  if (isOther && move.failing_since !== null) return 'continue';
  if (!isWider) return 'ignore';
  return isOther ? 'wait' : 'widen';
}
