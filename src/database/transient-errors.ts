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
 * Whether a server failure passes without the help of a person. Every failure does, except a missing right, which a
 * person must grant.
 */
export function willPass(error: unknown): boolean {
  const kind = unwillingness(error);
  return kind !== null && kind !== 'denied';
}
