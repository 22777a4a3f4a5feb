// Sign-in with e-mail and password through passport; throttled, with a fresh session each time.
import type { NextFunction, Request, Response } from 'express';
import { Passport } from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import { countAttempt, openThrottle, type Throttle } from '../access/throttle.ts';
import * as audit from '../audit/audit.ts';
import type { App, Redis } from '../environments/app.ts';
import { flash, page } from '../web/pages.ts';
import { localPath } from '../web/request.ts';
import * as kept from '../web/saved-form.ts';
import * as people from './people.ts';
import { openProvider, type Provider } from './provider.ts';

export type SignIn = {
  passport: InstanceType<typeof Passport>;
  /** Limits: failures per e-mail and address, failures per address, saved forms per address. */
  limits: Record<'account' | 'address' | 'kept', Throttle>;
  /** Single sign-on, if configured. */
  provider: Provider | null;
};

/** Passport with our one strategy, and a limit on failures for each address and e-mail. */
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
  const limit = (kind: string, attempts: number) =>
    openThrottle(here, redis, { counts: `sign-in:${kind}`, attempts });
  return {
    passport,
    limits: {
      account: limit('account', 10),
      address: limit('address', 100),
      kept: limit('kept', 100),
    },
    provider: settings.singleSignOn && openProvider(settings.singleSignOn),
  };
}

/**
 * Adds the signed-in person to the request; people who were closed or changed their password are signed
 * out.
 */
export async function recognise(req: Request, _res: Response, next: NextFunction) {
  const { personId } = req.session;
  const person = personId === undefined ? null : await people.find(req.here.sql, personId);
  if (person?.isActive && person.credential === req.session.credential) req.account = person;
  next();
}

export const showSignIn = (req: Request, res: Response) =>
  req.account ? res.redirect(303, '/') : signInPage(req, res, { title: 'Sign in' });

type Said = { title: string; email?: string; message?: string; singleSignOn?: string };

/** `message`: about the typed values; `singleSignOn`: about the provider. */
export const signInPage = (req: Request, res: Response, said: Said) =>
  page(req, res, 'people/sign-in', {
    email: '',
    message: '',
    singleSignOn: '',
    ...said,
    isSingle: req.here.settings.singleSignOn !== null,
    isWaiting: req.session.savedForm !== undefined,
  });

export const signIn = ({ passport, limits }: SignIn) =>
  async function signIn(req: Request, res: Response) {
    const email = req.form.text('email').toLowerCase();
    const address = req.ip ?? '';
    const account = `${address}:${email}`;
    // Counted before checking the password, so that parallel attempts count too.
    await countAttempt(limits.account, account);
    await countAttempt(limits.address, address);
    // passport-local would also read credentials from the URL.
    const isComplete = email !== '' && req.form.text('password') !== '';
    const person = isComplete && (await authenticate(passport, req, res));
    if (person) {
      await limits.account.delete(account);
      await limits.address.reward(address);
      await letIn(req, res, person);
    } else {
      res.status(422);
      const message =
        'E-mail or password is wrong. Try again, or ask an administrator for a new one.';
      await signInPage(req, res, { title: 'Error: Sign in', email, message });
    }
  };

const authenticate = (passport: SignIn['passport'], req: Request, res: Response) =>
  new Promise<people.Person | false>((resolve, reject) => {
    const done = (error: unknown, person: people.Person | false) =>
      error instanceof Error ? reject(error) : resolve(person);
    // Where passport-local looks for them.
    req.body = req.form.pick('email', 'password');
    passport.authenticate('local', { session: false }, done)(req, res, reject);
  });

/** To the saved form, or to the page that was requested. */
export async function letIn(req: Request, res: Response, person: people.Person) {
  await enter(req, person);
  const isKept = (await kept.find(req, person.id)) !== null;
  res.redirect(303, isKept ? '/saved-form' : (req.session.returnTo ?? '/'));
}

/** A new session id, so that a planted cookie is worthless. */
async function enter(req: Request, person: people.Person) {
  const returnTo = localPath(req.session.returnTo ?? '/', '/');
  const waiting = req.session.savedForm;
  await new Promise<void>((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error ? reject(error) : resolve()));
  });
  req.session.personId = person.id;
  req.session.credential = person.credential;
  req.session.returnTo = returnTo;
  await kept.moveToPerson(req, person.id, waiting);
  await audit.write(req.here.sql, {
    person: person.email,
    action: 'signed in',
    subject: person.email,
  });
}

export async function signOut(req: Request, res: Response) {
  await new Promise<void>((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error ? reject(error) : resolve()));
  });
  req.session.signsInByHand = true;
  flash(req, 'You are signed out.');
  res.redirect(303, '/sign-in');
}
