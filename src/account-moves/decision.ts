// Decides what a migration request does, depending on the migration’s status. Pure.
import type { Move } from './moves.ts';
import { isActive } from './status.ts';

/**
 * `begin`: starts the next run. `continue`: the run continues where it stopped. `widen`: a run that
 * would stop after the recent messages reads all messages instead. `wait`: refuses another dump
 * until the recent messages are here. `ignore`: changes nothing.
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
  // A wave never extends a run that was requested for the recent messages only: an app or a person
  // requests the rest.
  const isWider = wave === null && move.part === 'recent' && part !== 'recent';
  if (!isActive(move)) return isWider ? 'continue' : 'ignore';
  const isOther = location !== null && location !== move.location;
  // While reading a dump fails, a request that names another dump replaces it: the location may be
  // wrong, or the dump damaged.
  if (isOther && move.failing_since !== null) return 'continue';
  if (!isWider) return 'ignore';
  return isOther ? 'wait' : 'widen';
}
