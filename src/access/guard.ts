// A route says who may; this refuses everyone else, before anything of the route runs.
import type { NextFunction, Request, Response } from 'express';
import { Forbidden } from '../problems.ts';
import { may, whoMay, type Ability } from './permissions.ts';

/** `app`: whoever shows a key; the API asks for it. */
export type Allow = 'anyone' | 'signed-in' | 'app' | Ability;

export const guard =
  (allow: Exclude<Allow, 'app'>) => (req: Request, res: Response, next: NextFunction) => {
    if (allow === 'anyone') return next();
    if (!req.account) {
      if (req.method !== 'GET') throw new Forbidden('You are signed out. Sign in and try again.');
      if (isPage(req)) rememberReturn(req);
      return res.redirect(303, isTriedSilently(req) ? '/sign-in/single?silent=1' : '/sign-in');
    }
    if (allow === 'signed-in' || isAdmitted(req, allow)) return next();
    throw new Forbidden(whoMay(allow, req.here.setup));
  };

/** Whether somebody is signed in who may. */
export const isAdmitted = ({ account, here }: Request, allow: Allow): boolean =>
  account !== undefined &&
  (allow === 'anyone' ||
    allow === 'signed-in' ||
    (allow !== 'app' && may(account, allow, here.setup)));

/** Not what scripts, images and event streams ask for. */
const isPage = (req: Request) => (req.get('Sec-Fetch-Dest') ?? 'document') === 'document';

/** As much as a cookie has room for. */
const RETURN_LENGTH = 500;

/** An address that is too long is forgotten: nothing is stored for strangers. */
function rememberReturn({ visitor, originalUrl }: Request) {
  if (originalUrl.length <= RETURN_LENGTH) visitor.returnTo = originalUrl;
  else delete visitor.returnTo;
}

const SILENCE_MS = 5000;

/**
 * Who is signed in with the provider already comes in without a page. Not right after an attempt, so that nobody goes in
 * circles; not after signing out, so that it lasts; and only for pages, not for what scripts and images ask for.
 */
function isTriedSilently(req: Request): boolean {
  const { signsInByHand, askedAt = 0 } = req.visitor;
  const isRecent = Date.now() - askedAt < SILENCE_MS;
  return req.here.settings.singleSignOn !== null && isPage(req) && !signsInByHand && !isRecent;
}
