// Sets security headers, and checks posts for forgery (CSRF) in two ways: by the headers in which the browser says
// where the post comes from, and by a token that only pages of this server contain.
import { randomBytes } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { isSecret } from './sealed.ts';

const helmetHeaders = helmet({
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

const unusedFeatures = [
  'accelerometer',
  'autoplay',
  'browsing-topics',
  'camera',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'gamepad',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'otp-credentials',
  'payment',
  'picture-in-picture',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'storage-access',
  'usb',
  'window-management',
  'xr-spatial-tracking',
];
const permissionsPolicy = unusedFeatures.map((feature) => `${feature}=()`).join(', ');

export function headers(req: Request, res: Response, next: NextFunction) {
  res.set('Permissions-Policy', permissionsPolicy);
  helmetHeaders(req, res, next);
}

/**
 * Returns the CSRF token for the forms of a page: the token of the session, or before signing in,
 * the token in the visitor’s cookie. On a page of a copy (staging database), the name of the copy
 * is appended to the token.
 */
export function csrfToken({ account, session, visitor, copy }: Request): string {
  if (account) return `${masked(session.csrf ?? '')}${copy ? `@${copy.name}` : ''}`;
  visitor.csrf ??= randomBytes(18).toString('base64url');
  return masked(visitor.csrf);
}

/**
 * Masks a token with random bytes, so that it differs on each page. Otherwise someone who can make a browser load
 * pages, and who sees their compressed lengths, could guess the token letter by letter (the BREACH attack).
 */
function masked(token: string): string {
  const mask = randomBytes(Buffer.byteLength(token));
  return `${mask.toString('base64url')}~${xor(Buffer.from(token), mask).toString('base64url')}`;
}

function unmasked(given: string): string {
  const [mask, text] = given.split('~').map((part) => Buffer.from(part, 'base64url'));
  // Pages that an older version of Oneway has sent contain tokens without a mask.
  return mask && text ? String(xor(text, mask)) : given;
}

const xor = (one: Buffer, other: Buffer) =>
  Buffer.from(one.map((byte, index) => byte ^ (other[index] ?? 0)));

/**
 * Whether a post comes from a page of this server, judged by the browser’s headers and the CSRF
 * token.
 */
export function isOurs(req: Request, given: string | undefined = req.form.raw('csrf')): boolean {
  const { session, visitor } = req;
  const expected = session.personId === undefined ? visitor.csrf : session.csrf;
  return isFromHere(req) && isSecret(tokenIn(given), expected);
}

/**
 * Returns the CSRF token of a form, without its mask and the name of a copy (staging database) that may be appended.
 */
export const tokenIn = (given: string | undefined) =>
  given === undefined ? undefined : unmasked(given.split('@')[0] ?? '');

/**
 * Returns the name of the copy (staging database) whose page had the form; null for a page of this
 * server’s own environment.
 */
export const copyIn = ({ form }: Pick<Request, 'form'>): string | null =>
  form.raw('csrf')?.split('@')[1] ?? null;

/**
 * Whether a page of this server sent the request, according to the headers Sec-Fetch-Site and
 * Origin. A request without both headers counts as sent by a page of this server.
 */
export function isFromHere(req: Request): boolean {
  const site = req.get('Sec-Fetch-Site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = req.get('Origin');
  return origin === undefined || isOwnOrigin(req, origin);
}

function isOwnOrigin(req: Request, origin: string): boolean {
  const own = URL.parse(req.house.settings.urls[req.house.name] ?? '')?.origin;
  return origin === own || URL.parse(origin)?.host === req.get('Host');
}
