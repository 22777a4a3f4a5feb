// Computes the state of a key and how long it still works. Pure functions; timestamps are in MySQL’s format and in
// UTC.

export type KeyState = 'valid' | 'expiring' | 'expired' | 'revoked';

export type KeyTimes = { expires_at: string | null; revoked_at: string | null };

/** The state of a key. It is valid up to and including its expiry timestamp. */
export function stateOf(
  { expires_at: expires, revoked_at: revoked }: KeyTimes,
  now: string,
): KeyState {
  if (revoked !== null) return 'revoked';
  if (expires === null) return 'valid';
  return now < expires ? 'expiring' : 'expired';
}

export const isUsable = (state: KeyState): boolean => state === 'valid' || state === 'expiring';
