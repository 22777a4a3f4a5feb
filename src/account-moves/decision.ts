// Decides what a migration request does, depending on the migration’s status. Pure.
import type { Move } from './moves.ts';
import { isActive } from './status.ts';

/**
 * What Oneway does with a request to migrate an account. `begin`: starts the next run of the migration. `continue`:
 * continues the current run where it stopped. `widen`: lets a run that would end after the recent messages migrate all
 * messages. `wait`: refuses the request, because it names another dump (export of the account) before the recent
 * messages have arrived. `ignore`: changes nothing.
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
  // If the dump (the export of the account) that the run reads cannot be read, a request may name another dump: the
  // location of the first may be wrong, or its files damaged.
  if (isOther && move.failing_since !== null) return 'continue';
  if (!isWider) return 'ignore';
  return isOther ? 'wait' : 'widen';
}
