// Verifies the HAWK signature of a request: the key, the signature, the time, the nonce, and the hash of the body.
import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { server } from 'hawk';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { noteRefusal } from '../access/refusals.ts';
import { addressOf, countAttempt, openThrottle, type Throttle } from '../access/throttle.ts';
import {
  hawkKeyOf,
  noteUse,
  type Holder,
  type Refusal,
  type VerifiedHawkId,
} from '../access/verification.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import type { Body } from '../web/form/body.ts';
import { readRaw } from '../web/form/raw.ts';
import { expectClient, rememberClient, type SignedClient } from './answer.ts';
import { ownOrigin, signedHost } from './address.ts';
import { isNewNonce } from './nonces.ts';
import { ApiRefusal, type RefusalCode } from './refusal.ts';

/** The clock of a client may differ from the clock of this server by this many seconds. */
const SKEW_S = 60;
/** One address may send this many wrong keys or signatures in 15 minutes. */
const WRONG_KEYS = 100;
/** One client may make this many requests in 15 minutes, which is enough for 20 million rows. */
export const REQUESTS = 20_000;

/**
 * Returns a function that makes the middleware of a route. The middleware verifies the signature of each request,
 * limits the requests of each client, reads the body, and has the response signed. Wrong keys are limited per address,
 * but this limit never blocks a valid key, because several clients may share an address.
 */
export function needHawk(here: App, redis: Redis) {
  const wrongKeys = openThrottle(here, redis, { counts: 'wrong-hawk-keys', attempts: WRONG_KEYS });
  const requests = openThrottle(here, redis, { counts: 'hawk-requests', attempts: REQUESTS });
  const recordUse = rememberUses(here);
  return (body: Body) =>
    async function needHawk(req: Request, _res: Response, next: NextFunction) {
      expectClient(req);
      const client = await verified(req).catch(async (error: unknown) => {
        if (error instanceof ApiRefusal && isGuess(error)) {
          noteRefusal(here, 'hawk-key', { address: req.ip ?? '', reason: error.code });
          await countAttempt(wrongKeys, addressOf(req));
        }
        throw error;
      });
      const { holder, artifacts } = client;
      const nonce = { key: holder.keyId, nonce: artifacts.nonce };
      const [isNew, counted] = await Promise.all([
        isNewNonce(here, redis, nonce),
        countRequest(requests, holder.id),
        recordUse(holder),
      ]);
      if (!isNew) {
        throw unauthorized('replayed', 'This request was sent before. Sign each request again.');
      }
      rememberClient(req, client);
      if (counted) throw counted;
      if (body.kind === 'raw') req.body = await signedBody(req, client, body);
      next();
    };
}

/** Verifies the signature of a request; returns the client that signed it. */
async function verified(req: Request): Promise<SignedClient> {
  const { here, method, originalUrl, headers } = req;
  const asked = { method, url: originalUrl, headers } as IncomingMessage;
  const options = { ...signedHost(ownOrigin(req)), timestampSkewSec: SKEW_S };
  let key: VerifiedHawkId | undefined;
  let failure: unknown;
  const find = async (id: string) => {
    key = await hawkKeyOf(here.sql, here.settings.credentialsKeys, id).catch((error: unknown) => {
      failure = error;
      throw error;
    });
    // Returns null for a refused key, because hawk then answers 401; an exception would become 500.
    return (key.holder ? key.hawk : null) as server.Credentials;
  };
  const { credentials, artifacts } = await server
    .authenticate(asked, find, options)
    .catch((error: unknown) => {
      throw failure ?? refusalOf(error as HawkError, key);
    });
  // hawk compares the time as a number. A text that is no number would never be too old, so it is
  // refused here.
  if (!/^\d{1,12}$/.test(artifacts.ts)) throw unauthorized('malformed', `ts is no number. ${how}`);
  if (!key?.holder) throw new Error('hawk verified a request without a key');
  return { holder: key.holder, credentials, artifacts };
}

const how = 'Sign the request with HAWK, sha256: "Authorization: Hawk id=…".';
const whereToGet = 'An administrator makes a key on the page API keys.';

const refusedKeys: Record<Refusal, [RefusalCode, string]> = {
  unknown: ['unknown_key', `This key is not known here. ${whereToGet}`],
  revoked: ['revoked_key', `This key is revoked. ${whereToGet}`],
  expired: ['expired_key', `This key has expired. ${whereToGet}`],
  unreadable: ['unreadable_key', `This key cannot be verified. ${whereToGet}`],
};

const guesses: RefusalCode[] = [
  'unknown_key',
  'revoked_key',
  'expired_key',
  'unreadable_key',
  'bad_signature',
];
const isGuess = ({ code }: ApiRefusal) => guesses.includes(code);

type HawkError = Error & {
  isBoom?: boolean;
  output?: { statusCode: number; headers: Record<string, string | undefined> };
};

/**
 * Converts an error of hawk to the refusal that the client receives. Errors that are no refusal are
 * returned unchanged.
 */
function refusalOf(error: HawkError, key: VerifiedHawkId | undefined): unknown {
  if (!error.isBoom || (error.output?.statusCode ?? 500) >= 500) return error;
  const header = error.output?.headers['WWW-Authenticate'] ?? 'Hawk';
  if (key?.refused) return unauthorized(...refusedKeys[key.refused]);
  if (error.message === 'Stale timestamp') {
    return unauthorized(
      'stale',
      `The time of the signature is more than ${SKEW_S} seconds from that of this server. Set the clock.`,
      header,
    );
  }
  if (error.message === 'Bad mac') {
    return unauthorized(
      'bad_signature',
      'The signature is not that of this request. Sign method, host, port, path and query as you send them, with the key and sha256.',
    );
  }
  return header === 'Hawk' && !/Hawk/i.test(error.message) && error.output?.statusCode === 401
    ? unauthorized('unsigned', `${how} ${whereToGet}`)
    : unauthorized('malformed', `${error.message}. ${how}`);
}

const unauthorized = (code: RefusalCode, message: string, header = 'Hawk') =>
  new ApiRefusal(401, code, message, { 'WWW-Authenticate': header });

async function signedBody(
  req: Request,
  { credentials, artifacts }: SignedClient,
  body: Extract<Body, { kind: 'raw' }>,
): Promise<Buffer> {
  if (!artifacts.hash) {
    throw unauthorized('missing_hash', 'Sign the body, too: the attribute hash is missing.');
  }
  const content = await readRaw(req, body);
  // The cast is safe: hawk hashes bytes correctly, although its types allow only texts.
  const bytes = content as unknown as string;
  const type = req.get('Content-Type') ?? '';
  try {
    server.authenticatePayload(bytes, credentials, artifacts, type);
  } catch {
    throw unauthorized(
      'bad_hash',
      'The body, or its Content-Type, is not the one that was signed.',
    );
  }
  return content;
}

/**
 * Counts a request of a client. Returns a refusal if the client exceeds its limit, otherwise null.
 */
async function countRequest(requests: Throttle, client: number): Promise<ApiRefusal | null> {
  try {
    await requests.consume(client);
    return null;
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    const seconds = Math.ceil(error.msBeforeNext / 1000);
    return new ApiRefusal(
      429,
      'too_many_requests',
      `This client made ${REQUESTS.toLocaleString('en')} requests in 15 minutes. Go on in ${seconds} seconds.`,
      { 'Retry-After': String(seconds) },
    );
  }
}

const MINUTE_MS = 60_000;

/**
 * Returns a function that records when each key was last used, at most about once a minute per key.
 */
function rememberUses({ sql: on }: App) {
  const usedAt = new Map<number, number>();
  return async (holder: Holder) => {
    if (Date.now() - (usedAt.get(holder.keyId) ?? 0) < MINUTE_MS) return;
    await noteUse(on, holder);
    usedAt.set(holder.keyId, Date.now());
  };
}
