// The page that an invitation link opens. An invited person chooses a password on the page and is signed in.
import type { Request, Response } from 'express';
import type { FieldErrors } from '../problems.ts';
import { orShowErrors, page } from '../web/pages.ts';
import { textIn } from '../web/request.ts';
import * as invitations from './invitations.ts';
import { passwordRule } from './new-password.ts';
import { letIn } from './sign-in.ts';

export const show = (req: Request, res: Response) =>
  invitationPage(req, res, textIn(req.query, 'token'), {});

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

export async function accept(req: Request, res: Response) {
  const token = req.form.text('token');
  await orShowErrors(
    res,
    async () => {
      const person = await invitations.accept(req.here, token, req.form.pick('password'));
      await letIn(req, res, person);
    },
    (errors) => invitationPage(req, res, token, errors),
  );
}
