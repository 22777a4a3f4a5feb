// The page on which a person who is not signed in asks for a link to choose a new password. Its answer, and the time
// until the answer, do not reveal whether there is an account.
import type { Request, Response } from 'express';
import { hashedEmail } from '../access/refusals.ts';
import { addressOf, countAttempt } from '../access/throttle.ts';
import { timeouts } from '../database/timeouts.ts';
import { sendsSecrets } from '../messages/secret-email.ts';
import { Invalid, NotFound, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { textIn } from '../web/request.ts';
import { noteAsked } from './invitations.ts';
import { countReset } from './limits.ts';
import { mailReset } from './mailed-links.ts';
import type { SignIn } from './sign-in.ts';
import { inWholeSteps } from './whole-steps.ts';

export async function show(req: Request, res: Response) {
  requireMail(req);
  await resetPage(req, res, textIn(req.query, 'email').slice(0, LONGEST), {});
}

/** @throws NotFound if this environment cannot send links by e-mail */
function requireMail({ here }: Request) {
  if (!sendsSecrets(here)) {
    throw new NotFound('Ask an administrator for a new password: no link can be sent from here.');
  }
}

const resetPage = (req: Request, res: Response, email: string, errors: FieldErrors) =>
  page(req, res, 'people/reset', {
    title: Object.keys(errors).length > 0 ? 'Error: New password' : 'New password',
    email,
    errors,
  });

export const ask = ({ limits }: SignIn) =>
  async function ask(req: Request, res: Response) {
    requireMail(req);
    const email = req.form.text('email').toLowerCase();
    await orShowErrors(
      res,
      async () => {
        if (!/^[^\s@]+@[^\s@]+$/.test(email) || email.length > LONGEST)
          throw new Invalid({ email: 'Enter your e-mail' });
        await countAttempt(limits.resetAddress, addressOf(req));
        await inWholeSteps(STEPS * timeouts.signIn, () => send(req, limits, email));
        flash(req, `If ${email} has an account here, an e-mail with a link is on its way.`);
        res.redirect(303, '/sign-in');
      },
      (errors) => resetPage(req, res, email, errors),
    );
  };

/** The maximum length of an e-mail in characters, as in its database column. */
const LONGEST = 190;

/**
 * The answer to a sign-in is delayed to the next multiple of a fixed time. For this page, the fixed time is this many
 * times longer, because making a link takes several queries, and the time until the answer must not show whether a link
 * was made.
 */
const STEPS = 5;

async function send({ here }: Request, limits: SignIn['limits'], email: string) {
  // After too many requests for an e-mail, no further link is sent. The answer stays the same, because anyone can make
  // such requests.
  if (!(await countReset(limits, email)) || (await mailReset(here, email))) return;
  // An unknown e-mail must cause a database write, too. If the database cannot be written, the request then fails for
  // known and unknown e-mails alike, so that nobody learns which e-mails are known.
  await noteAsked(here.sql, `unknown e-mail ${hashedEmail(here, email)}`);
}
