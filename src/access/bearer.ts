// Reads keys and tokens from the header `Authorization: Bearer …`, finds the credential (an app, client or job) of a
// key, and counts wrong keys and tokens by the address of the sender.
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import type { Queryable } from '../database/sql.ts';
import { Problem } from '../problems.ts';
import { noteRefusal, type RefusalKind } from './refusals.ts';
import { addressOf, countAttempt, openThrottle } from './throttle.ts';
import { verifyToken, type Holder, type Refusal } from './verification.ts';

/** How many wrong keys and tokens one address may send in 15 minutes. */
const WRONG_KEYS = 100;

/** The error for a request without a valid key or token. */
export class WrongBearer extends Problem {
  readonly reason: string;
  /**
   * The kind under which the refusal is logged and counted. Null if the request is no attempt to
   * guess a key, such as a request without a key.
   */
  readonly kind: RefusalKind | null;

  constructor({ reason, kind }: { reason: string; kind: RefusalKind | null }, message: string) {
    super(401, message);
    this.reason = reason;
    this.kind = kind;
  }

  /** The value of the header `WWW-Authenticate` in the answer that reports this error. */
  get challenge(): string {
    return this.reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"';
  }
}

/**
 * Returns the key or token after `Bearer` in the header `Authorization`; empty when the header has
 * none.
 */
export const bearerIn = (header: string | undefined): string =>
  /^Bearer +([\w.-]{1,8000})$/i.exec(header ?? '')?.[1] ?? '';

/**
 * Finds the credential (an app, client or job) that an API key belongs to.
 * @throws WrongBearer, whose message tells the caller how to get a valid key
 */
export async function holderOf(on: Queryable, key: string): Promise<Holder> {
  if (key === '') throw new WrongBearer({ reason: 'missing', kind: null }, refusals.missing);
  const { holder, refused } = await verifyToken(on, 'bearer', key);
  if (!holder) throw new WrongBearer({ reason: refused, kind: 'api-key' }, refusals[refused]);
  return holder;
}

const howToSend = 'Send a valid key: "Authorization: Bearer ow_…".';
const whereToGet = 'An administrator makes one on the page API keys.';
const refusals: Record<Refusal | 'missing', string> = {
  missing: `${howToSend} ${whereToGet}`,
  unknown: `This key is not known here. ${howToSend} ${whereToGet}`,
  revoked: `This key is revoked. ${whereToGet}`,
  expired: `This key has expired. ${whereToGet}`,
  unreadable: `This key cannot be verified. ${whereToGet}`,
};

/**
 * Returns a function that logs a wrong key or token, and counts it by the address of the sender.
 * The function throws Problem 429 when an address has sent too many wrong keys and tokens.
 */
export function countWrongBearers(here: App, redis: Redis) {
  const wrongKeys = openThrottle(here, redis, { counts: 'wrong-keys', attempts: WRONG_KEYS });
  return async function countWrong(
    { ip = '' }: { ip?: string | undefined },
    { kind, reason }: WrongBearer,
  ) {
    if (kind === null) return;
    noteRefusal(here, kind, { address: ip, reason });
    await countAttempt(wrongKeys, addressOf({ ip }));
  };
}
