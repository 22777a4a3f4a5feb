// Sessions of signed-in people, in Redis. Other visitors have none.
import type { NextFunction, Request, Response } from 'express';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import type { App, Redis } from '../environments/app.ts';
import { cookieName } from './cookies.ts';

const HOUR_MS = 60 * 60 * 1000;
/** The maximum lifetime of a session, however much it is used. */
const SESSION_END_HOURS = 12;

/** Cookie and keys contain the environment’s name, so that three servers on one host have separate sessions. */
export function sessions(here: App, redis: Redis) {
  const { secret, hours, secureCookie } = here.settings.session;
  return session({
    name: cookieName(here, `oneway.${here.name}`),
    secret,
    store: new RedisStore({ client: redis, prefix: `oneway:${here.name}:session:` }),
    resave: false,
    saveUninitialized: false,
    rolling: true,
    // The setting says that browsers use https, whatever the last proxy forwards (see trustOwnAddress).
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

/** express-session leaves a Secure cookie out of answers to requests that it takes for http. */
export function trustOwnAddress(req: Request, _res: Response, next: NextFunction) {
  if (req.here.settings.session.secureCookie) req.headers['x-forwarded-proto'] = 'https';
  next();
}

const timeLeft = ({ startedAt = 0 }: Partial<session.SessionData>) =>
  startedAt + SESSION_END_HOURS * HOUR_MS - Date.now();

export const isInTime = (one: Partial<session.SessionData>): boolean => timeLeft(one) > 0;

/** Using a session does not extend it: the browser and Redis keep it until its end at most. */
export function limitCookie(
  one: Pick<session.SessionData, 'cookie'> & Partial<session.SessionData>,
) {
  const left = timeLeft(one);
  if (left < (one.cookie.originalMaxAge ?? Infinity)) one.cookie.maxAge = left;
}

/** Replaces the session id, so that one planted or stolen before is worthless. */
export const renewSession = (req: Request) =>
  new Promise<void>((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error ? reject(error) : resolve()));
  });

/** Answers to signed-in people must not be cached: the browser may not show them after signing out. */
export function keepOutOfCaches(_req: Request, res: Response, next: NextFunction) {
  res.set('Cache-Control', 'no-store');
  next();
}
