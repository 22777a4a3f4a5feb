// Computes whether a key is valid, expiring, expired or revoked. Pure functions; timestamps are in MySQL’s format and
// in UTC.

export type KeyState = 'valid' | 'expiring' | 'expired' | 'revoked';

export type KeyTimes = { expires_at: string | null; revoked_at: string | null };

/** Returns the state of a key. A key is expired from its expiry timestamp on. */
export function stateOf(
  { expires_at: expires, revoked_at: revoked }: KeyTimes,
  now: string,
): KeyState {
  if (revoked !== null) return 'revoked';
  if (expires === null) return 'valid';
  return now < expires ? 'expiring' : 'expired';
}

export const isUsable = (state: KeyState): boolean => state === 'valid' || state === 'expiring';
