// Decides which database errors may succeed on a retry.
import { isFromMongo, unwillingness } from './unwillingness.ts';

/** Whether a retry may succeed: after a lock, an unreachable server, or while MongoDB elects another primary. */
export function isTransient(error: unknown): boolean {
  const kind = unwillingness(error);
  return (
    kind === 'away' ||
    kind === 'busy' ||
    kind === 'crowded' ||
    (kind === 'read-only' && isFromMongo(error))
  );
}

/** Whether the failure passes by itself: a missing right must be granted by a person, everything else passes. */
export function willPass(error: unknown): boolean {
  const kind = unwillingness(error);
  return kind !== null && kind !== 'denied';
}
