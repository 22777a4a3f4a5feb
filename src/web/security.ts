// Security headers, and two checks against forged posts: Sec-Fetch-Site, and a token that only our own pages
// contain.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { Forbidden } from '../problems.ts';

export const headers = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  referrerPolicy: { policy: 'same-origin' },
});

export function csrfToken(req: Request): string {
  req.session.csrf ??= randomBytes(24).toString('base64url');
  return req.session.csrf;
}

/** Rejects posts that do not come from our own pages. */
export function refuseForged(req: Request, _res: Response, next: NextFunction) {
  if (['GET', 'HEAD', 'OPTIONS'].includes(req.method)) return next();
  if (isOurs(req)) return next();
  throw new Forbidden(
    'This page was open for too long or does not come from here. Go back, reload it and try again.',
  );
}

/** Whether a post comes from one of our own pages. */
export function isOurs(req: Request, given: string | undefined = req.form.raw('csrf')): boolean {
  const site = req.get('Sec-Fetch-Site') ?? 'none';
  return ['same-origin', 'none'].includes(site) && isSecret(given, req.session.csrf);
}

/** Constant-time comparison. */
export function isSecret(given: unknown, expected: string | undefined): boolean {
  if (typeof given !== 'string' || !expected) return false;
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
