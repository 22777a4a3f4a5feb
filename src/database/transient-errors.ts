// Decides after which database errors a retry may succeed.
import { isFromMongo, unwillingness } from './unwillingness.ts';

/**
 * Whether a retry may succeed: a lock was held, the server was unreachable or out of connections,
 * or MongoDB is electing another primary.
 */
export function isTransient(error: unknown): boolean {
  const kind = unwillingness(error);
  return (
    kind === 'away' ||
    kind === 'busy' ||
    kind === 'crowded' ||
    (kind === 'read-only' && isFromMongo(error))
  );
}

/**
 * Whether a server failure passes without a person. Only a missing right does not: a person must
 * grant it.
 */
export function willPass(error: unknown): boolean {
  const kind = unwillingness(error);
  return kind !== null && kind !== 'denied';
}
