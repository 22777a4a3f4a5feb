// Sign-in with e-mail and password through passport. Attempts are limited, and each sign-in starts a new session.
import type { Request, Response } from 'express';
import { Passport } from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import { hashedEmail, noteRefusal } from '../access/refusals.ts';
import { addressOf } from '../access/throttle.ts';
import * as audit from '../audit/audit.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { sendsSecrets } from '../messages/secret-email.ts';
import { Problem } from '../problems.ts';
import { deviceOf, rememberDevice } from '../web/device.ts';
import { newFormToken } from '../web/form-token.ts';
import { hrefOf } from '../web/filter-bar.ts';
import { flash, page } from '../web/pages.ts';
import { localPath } from '../web/request.ts';
import { browserZoneOf } from '../web/viewer.ts';
import { isWaiting } from '../web/saved-form.ts';
import { renewSession } from '../web/session.ts';
import { countSignIn, openLimits, type Limits } from './limits.ts';
import * as people from './people.ts';
import { openProvider, type Provider } from './provider.ts';

export type SignIn = {
  passport: InstanceType<typeof Passport>;
  limits: Limits;
  /** The sign-in provider; null without single sign-on. */
  provider: Provider | null;
};

/**
 * Sets up passport with its only strategy (e-mail and password), the limits on attempts, and the
 * sign-in provider.
 */
export function openSignIn(here: App, redis: Redis): SignIn {
  const { sql, settings } = here;
  const passport = new Passport();
  passport.use(
    new LocalStrategy({ usernameField: 'email' }, (email, password, done) => {
      people.verify(sql, email, password).then(
        (person) => done(null, person ?? false),
        (error: unknown) => done(error),
      );
    }),
  );
  return {
    passport,
    limits: openLimits(here, redis),
    provider: settings.singleSignOn && openProvider(settings.singleSignOn),
  };
}

export const showSignIn = (req: Request, res: Response) =>
  req.account ? res.redirect(303, '/') : signInPage(req, res, { title: 'Sign in' });

type Said = { title: string; email?: string; message?: string; singleSignOn?: string };

/**
 * Shows the sign-in page. `message` is an error about e-mail or password; `singleSignOn` is an
 * error about the sign-in provider.
 */
export const signInPage = (req: Request, res: Response, said: Said) =>
  page(req, res, 'people/sign-in', {
    email: '',
    message: '',
    singleSignOn: '',
    ...said,
    isSingle: req.here.settings.singleSignOn !== null,
    offersReset: sendsSecrets(req.here),
    resetHref: hrefOf('/password-reset', said.email ? { email: said.email } : {}),
    isWaiting: req.visitor.hasSavedForm === true,
    isOnward: localPath(req.visitor.returnTo ?? '/', '/') !== '/',
  });

export const signIn = (by: SignIn) =>
  async function signIn(req: Request, res: Response) {
    const email = req.form.text('email').toLowerCase();
    try {
      await letIn(req, res, await personWith(by, req, res, email));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await noteRefused(req, email, error);
      res.status(error.status);
      const typed = { email, message: error.message };
      await signInPage(req, res, { title: 'Error: Sign in', ...typed });
    }
  };

/** The maximum length of an e-mail in characters, as in its database column. */
const EMAIL_LENGTH = 190;

/**
 * Checks e-mail and password, and returns the person.
 * @throws Problem when e-mail or password is wrong, or after too many attempts
 */
async function personWith(
  { passport, limits }: SignIn,
  req: Request,
  res: Response,
  email: string,
) {
  const [address, device] = [addressOf(req), deviceOf(req, email)];
  const { forgive, back } = await countSignIn(limits, { email, address, device });
  // passport-local would also read e-mail and password from the URL, so sign-in requires posted
  // ones.
  const isComplete = email !== '' && req.form.text('password') !== '';
  const isPossible = isComplete && email.length <= EMAIL_LENGTH;
  const person =
    isPossible &&
    (await authenticate(passport, req, res).catch(async (error: unknown) => {
      await back();
      throw error;
    }));
  if (!person) {
    throw new Problem(
      422,
      'E-mail or password is wrong. Try again, or ask an administrator for a new one.',
    );
  }
  await forgive();
  return person;
}

/**
 * Records a refused sign-in. The log gets only the hash of the e-mail; the audit log gets the
 * e-mail itself if such an account exists.
 */
async function noteRefused({ here, ip = '' }: Request, email: string, { status }: Problem) {
  const reason = reasons[status] ?? 'refused';
  noteRefusal(here, 'sign-in', { address: ip, reason, email: hashedEmail(here, email) });
  if (status !== 422) return;
  const isKnown = await people.hasAccount(here.sql, email);
  await audit.writeOrLog(here.sql, here.log, {
    person: 'not signed in',
    action: 'refused sign-in',
    subject: isKnown ? email : `unknown e-mail ${hashedEmail(here, email)}`,
  });
}

const reasons: Record<number, string> = {
  422: 'wrong e-mail or password',
  429: 'too many attempts',
  503: 'too many at once',
};

const authenticate = (passport: SignIn['passport'], req: Request, res: Response) =>
  new Promise<people.Person | false>((resolve, reject) => {
    const done = (error: unknown, person: people.Person | false) =>
      error instanceof Error ? reject(error) : resolve(person);
    // passport-local reads e-mail and password from req.body.
    req.body = req.form.pick('email', 'password');
    passport.authenticate('local', { session: false }, done)(req, res, reject);
  });

/**
 * Starts a session for the person, and redirects to the person’s saved form or to the page that was
 * requested before signing in.
 */
export async function letIn(req: Request, res: Response, person: people.Person) {
  const { returnTo = '/' } = req.visitor;
  await startSession(req, res, person);
  const { sql, log } = req.here;
  const line = { person: person.email, action: 'signed in', subject: person.email };
  await audit.writeOrLog(sql, log, line, person.id);
  res.redirect(303, (await isWaiting(req, person)) ? '/saved-form' : localPath(returnTo, '/'));
}

/**
 * Starts a session with a new id, so that a session id that an attacker planted in the browser
 * becomes useless.
 */
export async function startSession(req: Request, res: Response, person: people.Person) {
  await renewSession(req);
  const zone = browserZoneOf(req);
  if (person.zone === null && zone !== null) await people.guessZone(req.house.sql, person, zone);
  req.session.personId = person.id;
  req.session.credential = person.credential;
  req.session.csrf = newFormToken(req.here, person);
  req.session.startedAt = Date.now();
  req.visitor = {};
  rememberDevice(req, res, person);
}

export async function signOut(req: Request, res: Response) {
  await renewSession(req);
  req.visitor = { signsInByHand: true };
  flash(req, 'You are signed out.');
  // Clears the browser’s cache, which may contain images: only pages are sent with no-store.
  res.set('Clear-Site-Data', '"cache"');
  res.redirect(303, '/sign-in');
}
