// Limits on sign-in attempts. Addresses and e-mails are hashed, so that Redis keys stay short whatever was sent.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { countAttempt, openThrottle, type Throttle } from '../access/throttle.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';

/**
 * The limits: on failed sign-ins for an e-mail from one address or device, from one address, and for one e-mail; on
 * forms saved for one address.
 */
export type Limits = Record<'account' | 'address' | 'email' | 'kept', Throttle>;

const FREE_TRIES = 20;
const LONGEST_WAIT_MS = 10_000;

export function openLimits(here: App, redis: Redis): Limits {
  const limit = (kind: string, attempts: number) =>
    openThrottle(here, redis, { counts: `sign-in:${kind}`, attempts });
  return {
    account: limit('account', 10),
    address: limit('address', 100),
    // This limit only slows attempts down and never refuses any: otherwise anyone could lock another person out.
    email: limit('email', 1_000_000),
    kept: limit('kept', 100),
  };
}

const hashed = (...parts: string[]) =>
  createHash('sha256').update(parts.join('\n')).digest('base64url');

/** An attempt to sign in. `device`: the browser, if this person has signed in with it before. */
type Tried = { email: string; address: string; device: string | null };

/**
 * Counts a sign-in attempt before its password is checked, so that parallel attempts count, too. Attempts for an
 * e-mail from many addresses get slower, except from a device where that person signed in before. Returns functions
 * to `forgive` the attempt when the password was right, and to take it `back` when it was not checked.
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

/** After how many milliseconds an attempt is answered: a second more with every five attempts, up to ten seconds. */
export const waitAfter = (tries: number): number =>
  Math.min(LONGEST_WAIT_MS, Math.ceil(Math.max(0, tries - FREE_TRIES) / 5) * 1000);
