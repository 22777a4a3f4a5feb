// What has become of a key, and how long it still works. Pure: instants are as MySQL writes them, all in UTC.

export type KeyState = 'valid' | 'expiring' | 'expired' | 'revoked';

export type KeyTimes = { expires_at: string | null; revoked_at: string | null };

/** A key works until the very instant at which it expires. */
export function stateOf(
  { expires_at: expires, revoked_at: revoked }: KeyTimes,
  now: string,
): KeyState {
  if (revoked !== null) return 'revoked';
  if (expires === null) return 'valid';
  return now < expires ? 'expiring' : 'expired';
}

export const isUsable = (state: KeyState): boolean => state === 'valid' || state === 'expiring';
