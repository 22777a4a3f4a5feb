// A form that was posted while the server was closed or the session had ended: saved for half an hour, and
// given back after signing in.
import type { NextFunction, Request, Response } from 'express';
import type { RateLimiterRedis } from 'rate-limiter-flexible';
import { z } from 'zod';
import { NotFound } from '../problems.ts';
import { formatChoice } from './format.ts';
import { page } from './pages.ts';
import { accountOf, localPath } from './request.ts';
import type { Body } from './form/body.ts';
import { readForm } from './form/read.ts';

declare module 'express-session' {
  interface SessionData {
    /** The form that a person posted after their session had ended. */
    savedForm: SavedForm;
  }
}

const SECONDS = 30 * 60;

const schema = z.object({
  path: z.string(),
  at: z.string(),
  fields: z.array(z.tuple([z.string(), z.string()])),
});
export type SavedForm = z.infer<typeof schema>;

/** Bound to the password: a session that a new password ended leaves nothing behind. */
const keyOf = ({ here, session }: Request, person: number) =>
  `oneway:${here.name}:kept:${person}:${session.credential}`;

/** Answers whether the form was saved: someone is signed in, and it contains anything worth saving. */
export async function saveForm(req: Request): Promise<boolean> {
  const person = req.session.personId;
  const kept = formIn(req);
  if (person === undefined || !isWorthSaving(kept)) return false;
  await saveFor(req, person, kept);
  return true;
}

/** Passwords are never stored in clear text. */
const isWorthSaving = ({ path, fields }: SavedForm) =>
  fields.length > 0 &&
  !path.startsWith('/saved-form') &&
  !fields.some(([name]) => name === 'password');

const formIn = (req: Request): SavedForm => ({
  path: req.originalUrl,
  at: new Date().toISOString(),
  fields: req.form.entries.filter(([name]) => name !== 'csrf').map(([name, text]) => [name, text]),
});

const saveFor = (req: Request, person: number, kept: SavedForm) =>
  req.redis.set(keyOf(req, person), JSON.stringify(kept), { EX: SECONDS });

const ROOM = 200_000;

/**
 * Saves a form from one of our pages that was posted after its session ended, until the person signs in
 * again. Anyone can send such a request, so it is limited per address.
 */
export const saveFormOfSignedOut = (limit: RateLimiterRedis, body: Body) =>
  async function keepOfSignedOut(req: Request, res: Response, next: NextFunction) {
    if (req.account || req.get('Sec-Fetch-Site') !== 'same-origin') return next();
    const isRefused = await limit.consume(req.ip ?? '').then(
      () => false,
      () => true,
    );
    if (!isRefused && body.kind !== 'none') {
      await readForm(req, body, { mayCome: () => false });
      const kept = formIn(req);
      if (isWorthSaving(kept) && JSON.stringify(kept).length < ROOM) {
        req.session.savedForm = kept;
        req.session.cookie.maxAge = SECONDS * 1000;
      }
    }
    res.redirect(303, '/sign-in');
  };

/** Moves the saved form from the session to the person. */
export async function moveToPerson(req: Request, person: number, kept: SavedForm | undefined) {
  if (kept) await saveFor(req, person, kept);
}

export async function find(req: Request, person: number): Promise<SavedForm | null> {
  const text = await req.redis.get(keyOf(req, person));
  return text === null ? null : (schema.safeParse(JSON.parse(text)).data ?? null);
}

const forget = (req: Request) => req.redis.del(keyOf(req, accountOf(req).id));

/** Hidden fields: versions, keys and plans. */
const carried =
  /^(version|idempotency_key|plan|selection|return|then|seen|payload|query|scope|page|shown|turn)$/;

export async function show(req: Request, res: Response) {
  const saved = await find(req, accountOf(req).id);
  if (!saved) return res.redirect(303, '/');
  await page(req, res, 'web/saved-form', {
    title: 'Your unsaved form',
    crumbs: [{ text: 'Your unsaved form' }],
    at: saved.at,
    fields: saved.fields,
    shown: saved.fields
      .filter(([name, value]) => !carried.test(name) && value !== '')
      .map(([name, value]) => ({ label: labelOfInput(name), value })),
  });
}

/** `Links 0 name` for `links[0][name]`. */
const labelOfInput = (name: string) => formatChoice(name.replaceAll(/[[\]]+/g, ' ').trim());

/** Posts the form again to its address: 307 keeps method and body. */
export async function sendOn(req: Request, res: Response) {
  const saved = await find(req, accountOf(req).id);
  if (!saved) throw new NotFound('No form is kept for you any more.');
  await forget(req);
  res.redirect(307, localPath(saved.path, '/'));
}

export async function discard(req: Request, res: Response) {
  await forget(req);
  res.redirect(303, '/');
}
