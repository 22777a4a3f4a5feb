// Keeps a few values for each browser in a short signed cookie instead of on the server, so that visitors who are not
// signed in cannot fill Redis.
import type { NextFunction, Request, Response } from 'express';
import onHeaders from 'on-headers';
import { z } from 'zod';
import { dropCookie, readCookie, setCookie } from './cookies.ts';
import { seal, unseal } from './sealed.ts';

const HOURS = 12;
/** The most bytes of the cookie’s value; browsers ignore cookies above 4096 bytes. */
const ROOM = 3800;

const attempt = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  isSilent: z.boolean(),
});

const schema = z.object({
  /** The CSRF token in forms of pages that are shown before signing in. */
  csrf: z.string().optional(),
  /** A message to show once on the next page. */
  flash: z.string().optional(),
  flashLink: z.object({ href: z.string(), text: z.string() }).optional(),
  /** The path to return to after signing in. */
  returnTo: z.string().optional(),
  /** Whether a form was saved for the person who signs in next. */
  hasSavedForm: z.boolean().optional(),
  /** The id of the saved form that is being posted again now. */
  sentForm: z.string().optional(),
  /**
   * Sign-ins that were started at the sign-in provider and are not finished yet, one for each
   * browser tab.
   */
  attempts: z.array(attempt).optional(),
  /**
   * When the sign-in provider was last asked silently, that is without showing a page, in
   * milliseconds since 1970.
   */
  askedAt: z.number().optional(),
  /**
   * Whether the person signed out, or Oneway refused the account of the sign-in provider. Then the provider is not
   * asked silently, and it asks the person again which account to use.
   */
  signsInByHand: z.boolean().optional(),
});
export type Visitor = z.infer<typeof schema>;

/**
 * Reads the visitor cookie into `req.visitor`, and sends the cookie again if a handler changed its
 * values.
 */
export function visitors(req: Request, res: Response, next: NextFunction) {
  const name = `oneway.${req.house.name}.visitor`;
  const by = { secret: req.here.settings.session.secret, purpose: name };
  const sent = readCookie(req, name);
  const known = sent === '' ? {} : (unseal(by, schema, sent) ?? {});
  const before = JSON.stringify(known);
  req.visitor = known;
  onHeaders(res, () => {
    if (JSON.stringify(req.visitor) === before) return;
    const isEmpty = Object.values(req.visitor).every((one) => one === undefined);
    if (isEmpty) dropCookie(req, res, name);
    else setCookie(req, res, name, sealedShort(req.visitor), HOURS);
  });
  next();

  function sealedShort(visitor: Visitor): string {
    const whole = seal(by, visitor);
    return whole.length <= ROOM
      ? whole
      : seal(by, { ...visitor, flash: undefined, flashLink: undefined, returnTo: undefined });
  }
}
