// The page that an invitation link opens. An invited person chooses a password on the page and is signed in.
import type { Request, Response } from 'express';
import { sendsSecrets } from '../messages/secret-email.ts';
import { Problem, type FieldErrors } from '../problems.ts';
import { orShowErrors, page } from '../web/pages.ts';
import { textIn } from '../web/request.ts';
import * as invitations from './invitations.ts';
import { passwordRule } from './new-password.ts';
import { letIn } from './sign-in.ts';

export const show = (req: Request, res: Response) =>
  orSpentLink(req, res, () => invitationPage(req, res, textIn(req.query, 'token'), {}));

/** Shows how to get another link if the link of the request was used, ended or has expired. */
async function orSpentLink(req: Request, res: Response, act: () => Promise<void>) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 410) throw error;
    res.status(410);
    const title = 'This link does not work any more';
    await page(req, res, 'people/spent-link', { title, offersReset: sendsSecrets(req.here) });
  }
}

async function invitationPage(req: Request, res: Response, token: string, errors: FieldErrors) {
  const { person } = await invitations.opened(req.here.sql, token);
  await page(req, res, 'people/invitation', {
    title: Object.keys(errors).length > 0 ? 'Error: Choose your password' : 'Choose your password',
    token,
    email: person.email,
    rule: passwordRule,
    errors,
  });
}

export function accept(req: Request, res: Response) {
  const token = req.form.text('token');
  const letInWithPassword = async () =>
    letIn(req, res, await invitations.accept(req.here, token, req.form.pick('password')));
  return orSpentLink(req, res, () =>
    orShowErrors(res, letInWithPassword, (errors) => invitationPage(req, res, token, errors)),
  );
}
