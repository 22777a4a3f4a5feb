// Remembers, in a long-lived signed cookie, who has signed in with a browser. The cookie grants no access. But sign-in
// attempts from such a browser are not slowed down, and a form that such a browser posts after the session has ended is
// saved.
import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { readCookie, setCookie } from './cookies.ts';
import { formHolderSchema, holderOf, type FormHolder, type Holder } from './form-token.ts';
import { seal, unseal } from './sealed.ts';

const DAYS = 90;
const PEOPLE = 5;

const schema = z.object({
  id: z.string(),
  /** The people who signed in with this browser, as hashed e-mails, most recent first. */
  people: z.array(z.string()),
  last: formHolderSchema,
});

const nameOf = ({ house }: Request) => `oneway.${house.name}.device`;
const sealOf = (req: Request) => ({
  secret: req.here.settings.session.secret,
  purpose: nameOf(req),
});
const read = (req: Request) => unseal(sealOf(req), schema, readCookie(req, nameOf(req)));

const hashed = (email: string) =>
  createHash('sha256').update(email.toLowerCase()).digest('base64url').slice(0, 22);

/**
 * Returns the id of this browser if the person with this e-mail has signed in with it before;
 * otherwise null.
 */
export function deviceOf(req: Request, email: string): string | null {
  const device = read(req);
  return device?.people.includes(hashed(email)) ? device.id : null;
}

/** Returns the person who last signed in with this browser; null if nobody has. */
export const lastHolder = (req: Request): FormHolder | null => read(req)?.last ?? null;

export function rememberDevice(req: Request, res: Response, person: Holder & { email: string }) {
  const known = read(req);
  const own = hashed(person.email);
  const others = known?.people.filter((one) => one !== own) ?? [];
  const device = {
    id: known?.id ?? randomBytes(12).toString('base64url'),
    people: [own, ...others].slice(0, PEOPLE),
    last: holderOf(person),
  };
  setCookie(req, res, nameOf(req), seal(sealOf(req), device), DAYS * 24);
}
