// The page My account shows a person’s own permissions in this environment, changes the person’s password, and says
// which messages are also sent by e-mail.
import type { Request, Response } from 'express';
import { inWords } from '../access/permission-words.ts';
import { countAttempt } from '../access/throttle.ts';
import { choose, switchesOf } from '../messages/email-switches.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { isZone, zoneChoices } from '../zoned-text.ts';
import { zoneOf } from '../web/viewer.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, localPath } from '../web/request.ts';
import { newPassword, passwordRule } from './new-password.ts';
import * as people from './people.ts';
import { startSession, type SignIn } from './sign-in.ts';

export const show = (req: Request, res: Response) => accountPage(req, res, {});

async function accountPage(req: Request, res: Response, errors: FieldErrors) {
  const account = accountOf(req);
  const { hasPassword } = await people.known(req.here.sql, account.id);
  const switches = await switchesOf(req.here.sql, account);
  await page(req, res, 'people/account', {
    title: Object.keys(errors).length > 0 ? 'Error: My account' : 'My account',
    crumbs: [{ text: 'My account' }],
    name: account.name,
    email: account.email,
    permissions: account.permissions.map(inWords),
    hasPassword,
    isSingle: req.here.settings.singleSignOn !== null,
    zones: zoneChoices(zoneOf(req)),
    rule: passwordRule,
    switches,
    shownSwitches: switches.flatMap(({ kind, isOn }) => (isOn ? [kind] : [])).join(' '),
    sendsMail: req.here.sendsMail,
    errors,
  });
}

/** Saves in which time zone the person reads times, on pages and in e-mails. */
export async function saveZone(req: Request, res: Response) {
  const zone = req.form.text('zone');
  if (!isZone(zone)) throw new Invalid({ zone: 'Choose a time zone from the list' });
  await people.setZone(req.house.sql, accountOf(req).id, zone);
  res.redirect(303, localPath(req.form.text('return'), '/'));
}

/** Saves which kinds of message the person gets by e-mail, too. */
export const saveEmails = (req: Request, res: Response) =>
  orShowErrors(
    res,
    async () => {
      const shown = req.form.raw('shown')?.split(' ').filter(Boolean);
      if (shown === undefined) throw new Invalid({ emails: INCOMPLETE });
      const isAllOff = req.form.text('all') === 'off';
      await choose(req.here.sql, accountOf(req), {
        shown,
        wanted: isAllOff ? [] : req.form.texts('emails'),
      });
      flash(req, isAllOff ? 'You get no more e-mails about messages here.' : 'E-mails saved.');
      res.redirect(303, '/account#emails');
    },
    (errors) => accountPage(req, res, errors),
  );

const INCOMPLETE = 'This page was not sent as a whole, so nothing was saved. Choose again.';

/**
 * Changes the password, which ends all sessions and tokens of the person. Only this browser stays signed in, with a new
 * session.
 */
export const changePassword = ({ limits }: SignIn) =>
  async function changePassword(req: Request, res: Response) {
    const { id } = accountOf(req);
    await orShowErrors(
      res,
      async () => {
        await change(req, limits);
        await startSession(req, res, await people.known(req.here.sql, id));
        flash(req, 'Password changed. You are signed out everywhere else.');
        res.redirect(303, '/account');
      },
      (errors) => accountPage(req, res, errors),
    );
  };

async function change(req: Request, limits: SignIn['limits']) {
  const { id, email, name } = accountOf(req);
  const attempts = `own-password:${id}`;
  await countAttempt(limits.account, attempts);
  if (!(await people.verify(req.here.sql, email, req.form.raw('present_password') ?? ''))) {
    throw new Invalid({ present_password: 'This is not your present password' });
  }
  await limits.account.delete(attempts);
  const posted = { password: req.form.raw('password') };
  if ((await newPassword({ name, email }, posted)) === req.form.raw('present_password')) {
    throw new Invalid({ password: 'This is your present password. Choose another one.' });
  }
  await people.setPassword(req.here, email, id, posted);
}
