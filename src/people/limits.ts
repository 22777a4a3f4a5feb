// Limits on sign-in attempts. Typed e-mails are hashed, so that Redis keys stay short whatever a person typed.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { countAttempt, isWithinLimit, openThrottle, type Throttle } from '../access/throttle.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';

/**
 * The limits. `account` limits failed sign-ins for one e-mail from one IP address or device, `address` those from one
 * IP address, and `email` those for one e-mail. `kept` limits, for one IP address, the posted forms that are saved
 * until their user has signed in again. `resetEmail` and `resetAddress` limit the requests for a new password.
 */
export type Limits = Record<
  'account' | 'address' | 'email' | 'kept' | 'resetEmail' | 'resetAddress',
  Throttle
>;

const FREE_TRIES = 20;
const LONGEST_WAIT_MS = 10_000;

export function openLimits(here: App, redis: Redis): Limits {
  const limit = (kind: string, attempts: number) =>
    openThrottle(here, redis, { counts: `sign-in:${kind}`, attempts });
  return {
    account: limit('account', 10),
    address: limit('address', 100),
    // The limit for one e-mail only slows attempts down. If it refused attempts, anyone could lock a person out.
    email: limit('email', 1_000_000),
    kept: limit('kept', 100),
    resetEmail: limit('reset-email', 3),
    resetAddress: limit('reset-address', 20),
  };
}

const hashed = (...parts: string[]) =>
  createHash('sha256').update(parts.join('\n')).digest('base64url');

/** Counts a request for a new password of this e-mail; returns false after too many. */
export const countReset = ({ resetEmail }: Limits, email: string): Promise<boolean> =>
  isWithinLimit(resetEmail, hashed(email));

/**
 * An attempt to sign in. `device` identifies the browser, if this person has signed in with it
 * before.
 */
type Tried = { email: string; address: string; device: string | null };

/**
 * Counts a sign-in attempt before its password is checked, so that parallel attempts count, too. Returns two functions:
 * call `forgive` after a right password to forget this and the earlier failed attempts, or `back` to uncount only this
 * attempt if its password was not checked.
 * @throws Problem 429 after too many attempts
 */
export async function countSignIn(limits: Limits, { email, address, device }: Tried) {
  const account = hashed(device ?? address, email);
  await countAttempt(limits.account, account);
  if (device !== null) {
    return {
      forgive: () => limits.account.delete(account),
      back: () => limits.account.reward(account),
    };
  }
  await countAttempt(limits.address, address);
  const { consumedPoints } = await limits.email.consume(hashed(email));
  await sleep(waitAfter(consumedPoints));
  const others = () => [limits.address.reward(address), limits.email.reward(hashed(email))];
  return {
    forgive: () => Promise.all([limits.account.delete(account), ...others()]),
    back: () => Promise.all([limits.account.reward(account), ...others()]),
  };
}

/**
 * How many milliseconds an attempt waits for its answer: nothing for the first 20 attempts, then a
 * second more for every five, up to ten seconds.
 */
export const waitAfter = (tries: number): number =>
  Math.min(LONGEST_WAIT_MS, Math.ceil(Math.max(0, tries - FREE_TRIES) / 5) * 1000);
