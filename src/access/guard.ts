// Checks that the user has the permission that a route requires. Everyone else is refused before any code of the
// route runs.
import type { NextFunction, Request, Response } from 'express';
import { Forbidden } from '../problems.ts';
import { may, type Ability } from './permissions.ts';
import { whoMay } from './who-may.ts';

/**
 * The access rules of routes for programs, which have no session. `app`: an app with an API key,
 * which the API checks. `account`: an app with the token of its account, or a program with a key
 * for account migrations. `hawk`: a client that signs each request, which the signed API checks.
 * `bridge`: another server, whose token the handler checks.
 */
const programs = ['app', 'account', 'hawk', 'bridge'] as const;
export type ForPrograms = (typeof programs)[number];
export type Allow = 'anyone' | 'signed-in' | ForPrograms | Ability;

export const guard =
  (allow: Exclude<Allow, ForPrograms>) => (req: Request, res: Response, next: NextFunction) => {
    if (allow === 'anyone') return next();
    if (!req.account) {
      if (req.method !== 'GET') throw new Forbidden('You are signed out. Sign in and try again.');
      if (isPage(req)) rememberReturn(req);
      return res.redirect(303, isTriedSilently(req) ? '/sign-in/single?silent=1' : '/sign-in');
    }
    if (allow === 'signed-in' || isAdmitted(req, allow)) return next();
    throw new Forbidden(whoMay(allow, req.here.setup));
  };

/** Whether a signed-in person has the required permission. */
export const isAdmitted = ({ account, here }: Request, allow: Allow): boolean =>
  account !== undefined &&
  (allow === 'anyone' ||
    allow === 'signed-in' ||
    (!isForPrograms(allow) && may(account, allow, here.setup)));

export const isForPrograms = (allow: Allow): allow is ForPrograms =>
  programs.some((one) => one === allow);

/**
 * Whether a browser opens a page with this request, rather than a script, an image or an event
 * stream. Only a request for a page may lead to the sign-in provider and back.
 */
const isPage = (req: Request) => (req.get('Sec-Fetch-Dest') ?? 'document') === 'document';

/** The most characters of the address of the page to return to after signing in: the address must fit into a cookie. */
const RETURN_LENGTH = 500;

/**
 * Remembers, in the visitor’s cookie, the page to return to after signing in. An address that is
 * too long for the cookie is dropped, because the server stores nothing for visitors who are not
 * signed in.
 */
function rememberReturn({ visitor, originalUrl }: Request) {
  if (originalUrl.length <= RETURN_LENGTH) visitor.returnTo = originalUrl;
  else delete visitor.returnTo;
}

const SILENCE_MS = 5000;

/**
 * Whether to ask the sign-in provider silently, so that a person who is signed in at the provider
 * sees no sign-in page of Oneway. Oneway does not ask silently right after another silent attempt,
 * because the redirects would form a loop. It does not ask after the person signed out, because
 * signing out must last, and not for scripts and images.
 */
function isTriedSilently(req: Request): boolean {
  const { signsInByHand, askedAt = 0 } = req.visitor;
  const isRecent = Date.now() - askedAt < SILENCE_MS;
  return req.here.settings.singleSignOn !== null && isPage(req) && !signsInByHand && !isRecent;
}
