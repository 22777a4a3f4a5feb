// Stores the sessions of signed-in people in Redis. A visitor who has not signed in has no session.
import type { NextFunction, Request, Response } from 'express';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { cookieName } from './cookies.ts';

const HOUR_MS = 60 * 60 * 1000;
/** After how many hours a session ends, however much it is used. */
const SESSION_END_HOURS = 12;

/**
 * Returns the session middleware. The names of the cookie and of the Redis keys contain the
 * environment’s name, so that the servers of three environments on one host have separate sessions.
 */
export function sessions(here: App, redis: Redis) {
  const { secret, hours, secureCookie } = here.settings.session;
  return session({
    name: cookieName(here, `oneway.${here.name}`),
    secret,
    store: new RedisStore({ client: redis, prefix: prefixOf(here) }),
    resave: false,
    saveUninitialized: false,
    rolling: true,
    // Whether cookies are Secure depends on the URL of this server in the settings, not on what the
    // last proxy says (see trustOwnAddress).
    proxy: secureCookie,
    cookie: {
      httpOnly: true,
      sameSite: 'lax',
      secure: secureCookie,
      path: '/',
      maxAge: hours * HOUR_MS,
    },
  });
}

const prefixOf = ({ name }: App) => `oneway:${name}:session:`;

/** Counts the sessions that have not ended and for which `isOne` returns true, such as the sessions of one person. */
export async function countSessions(
  here: App,
  redis: Redis,
  isOne: (session: Partial<session.SessionData>) => boolean,
): Promise<number> {
  let count = 0;
  for await (const keys of redis.scanIterator({ MATCH: `${prefixOf(here)}*`, COUNT: 1000 })) {
    const stored = keys.length > 0 ? await redis.mGet(keys) : [];
    const found = stored.flatMap((text) =>
      text === null ? [] : [JSON.parse(text) as Partial<session.SessionData>],
    );
    count += found.filter((one) => isInTime(one) && isOne(one)).length;
  }
  return count;
}

/**
 * Marks the request as https if this server’s cookies are Secure, because express-session sets a
 * Secure cookie only on https requests.
 */
export function trustOwnAddress(req: Request, _res: Response, next: NextFunction) {
  if (req.here.settings.session.secureCookie) req.headers['x-forwarded-proto'] = 'https';
  next();
}

const timeLeft = ({ startedAt = 0 }: Partial<session.SessionData>) =>
  startedAt + SESSION_END_HOURS * HOUR_MS - Date.now();

export const isInTime = (one: Partial<session.SessionData>): boolean => timeLeft(one) > 0;

/**
 * Limits the lifetime of the session’s cookie, so that using a session does not extend it beyond
 * its end, neither in the browser nor in Redis.
 */
export function limitCookie(
  one: Pick<session.SessionData, 'cookie'> & Partial<session.SessionData>,
) {
  const left = timeLeft(one);
  if (left < (one.cookie.originalMaxAge ?? Infinity)) one.cookie.maxAge = left;
}

/** Gives the session a new id, so that an id which someone planted or stole earlier is useless. */
export const renewSession = (req: Request) =>
  new Promise<void>((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error ? reject(error) : resolve()));
  });

/**
 * Forbids browsers to cache the pages of signed-in people, because these pages must not be shown
 * after signing out.
 */
export function keepOutOfCaches(_req: Request, res: Response, next: NextFunction) {
  res.set('Cache-Control', 'no-store');
  next();
}
