// Tests the state of an API key at a given time: valid, expiring, expired or revoked.
import { expect, test } from 'vitest';
import { isUsable, stateOf } from '../../src/access/key-state.ts';

const now = '2026-11-21 09:30:00.000';
const before = '2026-11-21 09:29:59.999';
const after = '2026-11-21 09:30:00.001';

test.each([
  [null, null, 'valid', true],
  [after, null, 'expiring', true],
  [now, null, 'expired', false],
  [before, null, 'expired', false],
  [null, before, 'revoked', false],
  [after, before, 'revoked', false],
  [before, before, 'revoked', false],
] as const)(
  'the state of an API key with the expiry %s and the revocation %s is “%s”',
  (expires, revoked, state, works) => {
    const found = stateOf({ expires_at: expires, revoked_at: revoked }, now);
    expect([found, isUsable(found)]).toEqual([state, works]);
  },
);
