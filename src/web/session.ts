import { RedisStore } from 'connect-redis';
import session from 'express-session';
import type { App, Redis } from '../environments/app.ts';

/** Sessions in Redis; cookie and keys carry the environment's name, so three servers on one host are three. */
export function sessions({ name, settings }: App, redis: Redis) {
  const { secret, hours, secureCookie } = settings.session;
  return session({
    name: `oneway.${name}`,
    secret,
    store: new RedisStore({ client: redis, prefix: `oneway:${name}:session:` }),
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: {
      httpOnly: true,
      sameSite: 'lax',
      secure: secureCookie,
      maxAge: hours * 60 * 60 * 1000,
    },
  });
}
